"""Score: make every user's list with the champion."""
