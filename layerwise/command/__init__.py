"""What the command line is made of: its grammar, its help, its tables; ``cli`` puts it together."""
