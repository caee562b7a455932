"""Rules of games and those who play them: below data, networks and tasks, which all need them."""
