"""What the page is made of: template, style and scripts. They are files of data, read by :mod:`..write_report`."""
