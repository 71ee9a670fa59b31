"""Looking at an installation from outside and inside, and saying what is wrong and how to mend it.

`facts` is what was found, `verdict` judges it without I/O; `surroundings` finds what this machine
says about itself, `call` joins a room of its own through the media server as a browser does, over
the transports in `transports`.
"""
