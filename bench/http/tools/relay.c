// The floor of a proxy: bytes from one socket to another, nothing read, nothing understood.
// One thread, epoll with edges, one upstream connection for each client, upstreams in turn.
//
//   relay LISTEN_PORT UPSTREAM_PORT...
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 64 * 1024, EVENTS = 256, ACCEPTS = 64, BACKLOG = 4096 };

// One socket. What its peer sent and it could not take waits in `pending`.
struct end {
    int fd, closed;
    struct end *peer;
    char *pending;
    size_t from, until;
};

static int poller;
static char buffer[BUFFER];
// Ends of this round: freed behind it, because a later event of the round may name them.
static struct end *ended[2 * EVENTS];
static int ended_count;

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void watch(struct end *end, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = end};
    epoll_ctl(poller, EPOLL_CTL_ADD, end->fd, &event);
}

static void close_pair(struct end *end) {
    if (end->closed)
        return;
    for (int i = 0; i < 2; i++, end = end->peer) {
        end->closed = 1;
        close(end->fd);
        free(end->pending);
        ended[ended_count++] = end;
    }
}

// 1: all is sent. 0: the socket is full. -1: it is over.
static int flush(struct end *end) {
    while (end->from < end->until) {
        ssize_t sent = send(end->fd, end->pending + end->from, end->until - end->from, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN ? 0 : -1;
        end->from += sent;
    }
    end->from = end->until = 0;
    return 1;
}

static int keep(struct end *end, const char *bytes, size_t count) {
    if (!end->pending && !(end->pending = malloc(BUFFER)))
        return -1;
    memcpy(end->pending, bytes, count);
    end->from = 0;
    end->until = count;
    return 0;
}

// Everything that `from` has, as long as its peer takes it.
static void pump(struct end *from) {
    struct end *to = from->peer;
    if (to->until) {
        int flushed = flush(to);
        if (flushed < 0)
            close_pair(from);
        if (flushed <= 0)
            return;
    }
    for (;;) {
        ssize_t got = recv(from->fd, buffer, BUFFER, 0);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0)
            return close_pair(from);
        ssize_t sent = send(to->fd, buffer, got, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return close_pair(from);
        sent = sent < 0 ? 0 : sent;
        if (sent < got) {
            if (keep(to, buffer + sent, got - sent))
                close_pair(from);
            return;
        }
        if (got < BUFFER)
            return;
    }
}

static struct end *new_end(int fd) {
    struct end *end = calloc(1, sizeof *end);
    int on = 1;
    if (!end)
        exit(1);
    end->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return end;
}

static void accept_some(int listener, char **ports, int count) {
    static int turn;
    for (int i = 0; i < ACCEPTS; i++) {
        int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (client < 0)
            return;
        int upstream = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        struct sockaddr_in address = loopback(atoi(ports[turn++ % count]));
        if (upstream < 0 || (connect(upstream, (void *)&address, sizeof address) && errno != EINPROGRESS)) {
            close(client);
            close(upstream);
            continue;
        }
        struct end *a = new_end(client), *b = new_end(upstream);
        a->peer = b;
        b->peer = a;
        watch(a, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
        watch(b, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    }
}

static void handle(struct end *end, uint32_t events) {
    if (events & EPOLLOUT) {
        int flushed = end->until ? flush(end) : 1;
        if (flushed < 0)
            return close_pair(end);
        if (flushed)
            pump(end->peer);
    }
    if (!end->closed && events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        pump(end);
}

int main(int count, char **arguments) {
    if (count < 3)
        return 2;
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = loopback(atoi(arguments[1]));
    signal(SIGPIPE, SIG_IGN);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (void *)&address, sizeof address) || listen(fd, BACKLOG)) {
        perror("relay");
        return 1;
    }
    poller = epoll_create1(0);
    struct end listener = {.fd = fd};
    watch(&listener, EPOLLIN);
    static struct epoll_event events[EVENTS];
    for (;;) {
        int ready = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            struct end *end = events[i].data.ptr;
            if (end == &listener)
                accept_some(fd, arguments + 2, count - 2);
            else if (!end->closed)
                handle(end, events[i].events);
        }
        while (ended_count)
            free(ended[--ended_count]);
    }
}
