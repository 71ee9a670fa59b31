"""SDP without I/O: parse a client's offer, answer it, and give the media worker typed values."""
