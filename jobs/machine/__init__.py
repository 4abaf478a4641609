"""What this machine is: its device class, its hardware, and which processes of it are alive."""
