"""What people do about notifications: read their own, choose what is mailed, mind endpoints and the log."""
