"""Take a reviewer's decisions back."""
