"""What leaves for members: written with what caused it, judged at the door, carried once."""
