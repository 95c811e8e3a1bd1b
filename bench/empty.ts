// What a process costs that does nothing: the measure of the others.
