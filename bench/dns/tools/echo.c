/* The floor: what a name server that does nothing costs on this kernel.
 *
 * Answers every question with the same three A records, 64 datagrams per system call, through the
 * same socket options as a real server. No parsing beyond the end of the question, no tables.
 *
 * usage: echo PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, ROOM = 2048, RECORD = 16, RECORDS = 3, HEADER = 12 };

static uint8_t records[RECORDS * RECORD];
static uint8_t datagrams[BATCH][ROOM];
static struct sockaddr_in senders[BATCH];
static struct iovec parts[BATCH];
static struct mmsghdr messages[BATCH];

/* 192.0.2.1, .2, .3 for 60 seconds; the owner is a pointer to the question. */
static void make_records(void)
{
    for (int i = 0; i < RECORDS; i++) {
        const uint8_t record[RECORD] = {0xc0, HEADER, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1 + i};
        memcpy(records + i * RECORD, record, RECORD);
    }
}

/* Turns a query of `len` bytes into its answer, in place; 0 when it is no query. */
static size_t answer(uint8_t *message, size_t len)
{
    size_t at = HEADER;
    while (at < len && message[at] != 0)
        at += message[at] + 1;
    at += 5; /* root label, type, class */
    if (at > len || at + sizeof records > ROOM)
        return 0;
    message[2] |= 0x84; /* QR, AA */
    message[3] = 0;
    const uint8_t counts[6] = {0, RECORDS, 0, 0, 0, 0};
    memcpy(message + 6, counts, sizeof counts);
    memcpy(message + at, records, sizeof records);
    return at + sizeof records;
}

static int open_socket(int port)
{
    int on = 1, bytes = 4 << 20;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        perror("bind");
        exit(1);
    }
    return fd;
}

int main(int count, char **words)
{
    if (count != 2) {
        fprintf(stderr, "usage: echo PORT\n");
        return 2;
    }
    make_records();
    int fd = open_socket(atoi(words[1]));
    for (int i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){datagrams[i], ROOM};
        messages[i].msg_hdr.msg_name = &senders[i];
        messages[i].msg_hdr.msg_namelen = sizeof senders[i];
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    for (;;) {
        int received = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < received; i++)
            parts[i].iov_len = answer(datagrams[i], messages[i].msg_len);
        for (int sent = 0; sent < received;) {
            int some = sendmmsg(fd, messages + sent, received - sent, 0);
            sent += some > 0 ? some : 1; /* the first cannot be sent: pass over it */
        }
        for (int i = 0; i < received; i++)
            parts[i].iov_len = ROOM;
    }
}
