/* Connections and their subflows, for libmnl.c: 0, or -1 with errno. */

/* Asks the kernel, as Diag.connections() does. */
int list_connections(char **arguments);

/* Arguments: a file as of bench/recorded.ts. Decodes it as if received. */
int decode_connections(char **arguments);
