/* The floor: the worker's job without queue, database and checks. What is left is to ask the
 * source, to pass the image on while it arrives, and to read the storage's answer. */

#include <err.h>
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "clock.h"
#include "copier.h"

#define STACK_BYTES (128 * 1024)

struct job {
    long source_port;
    long storage_port;
    long images;
    long at_once;
    atomic_long taken;
};

static void *work(void *argument)
{
    struct job *job = argument;
    struct copier *copier = copier_new((uint16_t)job->source_port, (uint16_t)job->storage_port);
    long number;
    while ((number = atomic_fetch_add(&job->taken, 1)) < job->images)
        copier_copy(copier, number);
    copier_free(copier);
    return NULL;
}

static void run(struct job *job)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_t *threads = calloc((size_t)job->at_once, sizeof *threads);
    if (!threads)
        err(EXIT_FAILURE, "calloc");
    for (long n = 0; n < job->at_once; n++)
        if (pthread_create(&threads[n], &attributes, work, job))
            errx(EXIT_FAILURE, "no thread");
    for (long n = 0; n < job->at_once; n++)
        pthread_join(threads[n], NULL);
    free(threads);
}

static double cpu_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec)
        + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* Not by getrusage: its ru_maxrss begins with what the process that started this one had. */
static long peak_kilobytes(void)
{
    char line[256];
    long kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "re");
    if (!status)
        err(EXIT_FAILURE, "/proc/self/status");
    while (!kilobytes && fgets(line, sizeof line, status))
        sscanf(line, "VmHWM: %ld", &kilobytes);
    fclose(status);
    return kilobytes;
}

static struct job read_options(int count, char **arguments)
{
    static const struct option options[] = {
        {"source-port", required_argument, NULL, 's'},
        {"storage-port", required_argument, NULL, 't'},
        {"images", required_argument, NULL, 'i'},
        {"at-once", required_argument, NULL, 'a'},
        {NULL, 0, NULL, 0},
    };
    struct job job = {0};
    int option;
    while ((option = getopt_long(count, arguments, "", options, NULL)) != -1) {
        long value = optarg ? strtol(optarg, NULL, 10) : 0;
        switch (option) {
        case 's': job.source_port = value; break;
        case 't': job.storage_port = value; break;
        case 'i': job.images = value; break;
        case 'a': job.at_once = value; break;
        default: exit(EXIT_FAILURE); /* getopt has said why */
        }
    }
    if (job.source_port < 1 || job.storage_port < 1 || job.images < 1 || job.at_once < 1)
        errx(EXIT_FAILURE, "--source-port, --storage-port, --images, --at-once: from 1 on");
    return job;
}

int main(int count, char **arguments)
{
    struct job job = read_options(count, arguments);
    uint64_t started = now_ns();
    run(&job);
    double seconds = (double)(now_ns() - started) / NS_PER_SECOND;
    printf(
        "{\"seconds\": %.6f, \"cpu_seconds\": %.6f, \"peak_kilobytes\": %ld}\n", seconds,
        cpu_seconds(), peak_kilobytes());
    return EXIT_SUCCESS;
}
