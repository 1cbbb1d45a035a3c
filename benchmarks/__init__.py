"""What the engine costs, side by side with yardsticks that are measured in the same run on the same machine."""
