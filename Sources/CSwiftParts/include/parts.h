// Nothing is called from here: the linker takes what parts.c defines.
