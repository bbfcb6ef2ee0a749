"""Radiomic feature families, one file each: the field's textbook in code.

Every family is a table of features with formula, reference and IBSI code (see :class:`.family.Family`).
The families share three ideas:

* a :class:`.region.Region` knows a mask's geometry (neighbours, lines) once, for all filtered images;
* a texture matrix is a list of its non-zero entries, so that one formula serves a whole region and a
  million sliding neighbourhoods alike;
* a feature is a function of such a table, written as in the reference.
"""
