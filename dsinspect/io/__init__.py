"""Files: images, spreadsheets, atomic writes, links and copies."""
