"""What each command shows: which columns, in which words, with which notes beneath."""
