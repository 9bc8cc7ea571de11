"""The image route: leads to a row's picture, or draws a placeholder until there is one.

``image`` answers. ``delivery`` puts transformations into Cloudinary's URLs. ``size`` reads the size
that is asked for, ``placeholder`` draws, with the help of ``wrapping`` (lines of text) and
``symbols`` (what shows the state).
"""
