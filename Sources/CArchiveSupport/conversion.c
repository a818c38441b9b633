// iconv(3) for a program in which no text is converted.
//
// libarchive would convert the names in pax headers to the character set of the
// locale, and for that the static C library loads files of the host at run time,
// code among them. A name is bytes here: without a conversion libarchive leaves
// it as it is.

#include <errno.h>
#include <iconv.h>

iconv_t iconv_open(const char *to, const char *from) {
    (void)to, (void)from;
    errno = EINVAL;
    return (iconv_t)-1;
}

size_t iconv(iconv_t conversion, char **input, size_t *input_left, char **output,
             size_t *output_left) {
    (void)conversion, (void)input, (void)input_left, (void)output, (void)output_left;
    errno = EBADF;
    return (size_t)-1;
}

int iconv_close(iconv_t conversion) {
    (void)conversion;
    errno = EBADF;
    return -1;
}
