/* blob.S - a file as bytes in flash: BLOB_NAME, BLOB_NAME_end */
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
    .section .rodata.blob, "a"
    .balign 4
    .global BLOB_NAME, CAT(BLOB_NAME, _end)
BLOB_NAME:
    .incbin BLOB_FILE
CAT(BLOB_NAME, _end):
