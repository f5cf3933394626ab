"""What a self-check found: the record that is kept, and its pages for people."""
