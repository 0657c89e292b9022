/* fuzz_main.c - in place of libFuzzer: each file named on the command line once
 *
 * So every compiler can run the harnesses over the corpus. A folder stands for its files.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

static unsigned long fuzz_count;

static void fuzz_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data;
    long size;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
        perror(path);
        exit(2);
    }
    rewind(file);
    data = fuzz_room((size_t)size);
    if (fread(data, 1, (size_t)size, file) != (size_t)size) {
        perror(path);
        exit(2);
    }
    fclose(file);
    fprintf(stderr, "%s\n", path); /* the last line before a crash names it */
    (void)LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    fuzz_count++;
}

static void fuzz_folder(const char *path, DIR *folder)
{
    struct dirent *entry;

    while ((entry = readdir(folder)) != NULL) {
        char name[4096];

        if (entry->d_name[0] == '.')
            continue;
        if (snprintf(name, sizeof name, "%s/%s", path, entry->d_name) >= (int)sizeof name) {
            fprintf(stderr, "%s: a name is too long\n", path);
            exit(2);
        }
        fuzz_file(name);
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);

        if (folder != NULL)
            fuzz_folder(argv[i], folder);
        else
            fuzz_file(argv[i]);
    }
    printf("inputs: %lu\n", fuzz_count);
    return fuzz_count == 0;
}
