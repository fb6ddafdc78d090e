"""Other ways to simulate the base case, each as its own documentation or craft would have it."""
