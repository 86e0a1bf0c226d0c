// Full TLS handshakes: connect, handshake without resumption, one request, close; from so many processes at once.
//
//   handshakes PORT HOST SECONDS PROCESSES
//
// Prints ok=N errors=N resumed=N p50_us=N p99_us=N and the protocol of the first on stderr.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// More than a second's handshakes of one process, times the longest run.
enum { TIMES_MAX = 1 << 17, ANSWER_MAX = 4096, PATIENCE_SECONDS = 5 };

struct tally {
    long ok, errors, resumed;
    float times_us[TIMES_MAX];
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

// Reset at the end, so that no port of ours waits.
static int open_tcp(int port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct linger at_once = {1, 0};
    struct timeval patience = {PATIENCE_SECONDS, 0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (void *)&address, sizeof address)) {
        close(fd);
        return -1;
    }
    return fd;
}

static int answered(SSL *tls, const char *request) {
    char answer[ANSWER_MAX];
    int got = 0, part;
    SSL_write(tls, request, strlen(request));
    while (got < ANSWER_MAX && (part = SSL_read(tls, answer + got, ANSWER_MAX - got)) > 0)
        got += part;
    return got > 12 && !memcmp(answer, "HTTP/1.1 200", 12);
}

static void one(SSL_CTX *context, int port, const char *host, const char *request, struct tally *tally, int first) {
    double begin = now();
    int fd = open_tcp(port);
    if (fd < 0) {
        tally->errors++;
        return;
    }
    SSL *tls = SSL_new(context);
    SSL_set_fd(tls, fd);
    SSL_set_tlsext_host_name(tls, host);
    if (SSL_connect(tls) == 1 && answered(tls, request)) {
        tally->times_us[tally->ok++ % TIMES_MAX] = (now() - begin) * 1e6;
        tally->resumed += SSL_session_reused(tls);
        if (first)
            fprintf(stderr, "%s %s\n", SSL_get_version(tls), SSL_get_cipher(tls));
    } else {
        tally->errors++;
    }
    SSL_free(tls);
    close(fd);
}

static int by_size(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

int main(int count, char **arguments) {
    if (count != 5)
        return 2;
    int port = atoi(arguments[1]), processes = atoi(arguments[4]);
    double end = now() + atof(arguments[3]);
    struct tally *tallies = mmap(NULL, processes * sizeof *tallies, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char request[512];
    snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", arguments[2]);
    for (int number = 0; number < processes; number++) {
        if (fork())
            continue;
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        for (int first = !number; now() < end; first = 0)
            one(context, port, arguments[2], request, &tallies[number], first);
        _exit(0);
    }
    while (wait(NULL) > 0)
        ;
    struct tally sum = {0};
    float *times = malloc((size_t)processes * TIMES_MAX * sizeof *times);
    long kept = 0;
    for (int number = 0; number < processes; number++) {
        struct tally *tally = &tallies[number];
        long times_of_this = tally->ok < TIMES_MAX ? tally->ok : TIMES_MAX;
        memcpy(times + kept, tally->times_us, times_of_this * sizeof *times);
        kept += times_of_this;
        sum.ok += tally->ok;
        sum.errors += tally->errors;
        sum.resumed += tally->resumed;
    }
    qsort(times, kept, sizeof *times, by_size);
    printf("ok=%ld errors=%ld resumed=%ld p50_us=%.0f p99_us=%.0f\n", sum.ok, sum.errors, sum.resumed,
           kept ? times[kept / 2] : 0, kept ? times[kept * 99 / 100] : 0);
}
