"""Files made into text, pictures and traits; hostile ones are read in a child process with bounds."""
