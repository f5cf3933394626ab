"""What bidclient keeps on this computer: bid folders with their journals, and the settings."""
