/* Asks a name server on 127.0.0.1 over UDP as fast as it answers, from one thread.
 *
 * A fixed number of queries is outstanding at any time (closed loop), spread over several sockets,
 * sent and received in batches, so that one core can ask for more than one core can answer.
 *
 * usage: generator -p PORT (-n NAME | -f FILE with a name per line)
 *                  [-l SECONDS] [-w OUTSTANDING] [-k SOCKETS] [-b BURST] [-E]
 *   -b  queries that leave one socket in a row, 32 at most; 1: neighbours are always of two clients
 *   -E  each query carries EDNS Client Subnet (RFC 7871) with another /24
 *
 * Prints: sent= ok= lost= bad= qps= bytes=   (bad: no answer record, an rcode, or not a response)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 32,
    SOCKETS_MAX = 64,
    IDS = 65536,
    QUERY_MAX = 300,
    REPLY_MAX = 4096,
    HEADER = 12,
};

static const uint64_t SECOND = 1000000000ull;
static const uint64_t LOST_AFTER = 500000000ull; /* ns without an answer */
static const uint64_t LAST_WAIT = 300000000ull;  /* ns, once sending is over */

typedef struct {
    uint16_t len;
    uint16_t subnet_at; /* where the three bytes of the /24 are, 0 without one */
    uint8_t bytes[QUERY_MAX];
} Query;

typedef struct {
    int fd;
    uint16_t next_id;
    long outstanding;
    uint64_t *sent_at; /* by ID; 0 when nothing is outstanding under it */
} Lane;

static struct {
    const char *name, *file;
    int port, lanes, subnet;
    long outstanding, burst;
    double seconds;
} options = {.lanes = 8, .outstanding = 256, .burst = BATCH, .seconds = 3};

static Query *queries;
static size_t query_count, query_next;
static Lane lanes[SOCKETS_MAX];
static struct { uint64_t sent, ok, lost, bad, bytes; long outstanding; } total;

static uint8_t out_bytes[BATCH][QUERY_MAX], in_bytes[BATCH][REPLY_MAX];
static struct iovec out_parts[BATCH], in_parts[BATCH];
static struct mmsghdr out_messages[BATCH], in_messages[BATCH];

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

/* xorshift32: the same sequence in every run, so that every server sees the same clients. */
static uint32_t dice(void)
{
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static uint8_t *put_name(uint8_t *at, const char *name)
{
    while (*name) {
        size_t len = strcspn(name, ".");
        if (len == 0)
            break;
        *at++ = len;
        memcpy(at, name, len);
        at += len;
        name += len + (name[len] == '.');
    }
    *at++ = 0;
    return at;
}

/* OPT (RFC 6891): 1232 bytes of UDP; with a client subnet family 1, /24, scope 0. */
static const uint8_t OPT_WITH_SUBNET[] = {0, 0, 41, 1232 >> 8, 1232 & 255, 0, 0, 0, 0,
                                          0, 11, 0, 8, 0, 7, 0, 1, 24, 0, 0, 0, 0};

static void add_query(const char *name)
{
    if (strlen(name) > 253) {
        fprintf(stderr, "name too long: %s\n", name);
        exit(2);
    }
    queries = realloc(queries, (query_count + 1) * sizeof *queries);
    Query *query = &queries[query_count++];
    memset(query, 0, sizeof *query);
    query->bytes[5] = 1; /* one question */
    uint8_t *at = put_name(query->bytes + HEADER, name);
    const uint8_t a_in[] = {0, 1, 0, 1};
    memcpy(at, a_in, sizeof a_in);
    at += sizeof a_in;
    if (options.subnet) {
        query->bytes[11] = 1; /* one additional record */
        memcpy(at, OPT_WITH_SUBNET, sizeof OPT_WITH_SUBNET);
        at += sizeof OPT_WITH_SUBNET;
        query->subnet_at = at - 3 - query->bytes;
    }
    query->len = at - query->bytes;
}

static void read_names(const char *path)
{
    char line[300];
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        exit(2);
    }
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, " \t\r\n")] = 0;
        add_query(line);
    }
    fclose(file);
}

static void open_lanes(void)
{
    int bytes = 4 << 20;
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(options.port)};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < options.lanes; i++) {
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
            setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
        if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof server) != 0) {
            perror("connect");
            exit(1);
        }
        lanes[i] = (Lane){.fd = fd, .sent_at = calloc(IDS, sizeof(uint64_t))};
    }
    for (int i = 0; i < BATCH; i++) {
        out_parts[i] = (struct iovec){out_bytes[i], 0};
        in_parts[i] = (struct iovec){in_bytes[i], REPLY_MAX};
        out_messages[i].msg_hdr.msg_iov = &out_parts[i];
        in_messages[i].msg_hdr.msg_iov = &in_parts[i];
        out_messages[i].msg_hdr.msg_iovlen = in_messages[i].msg_hdr.msg_iovlen = 1;
    }
}

static void forget(Lane *lane, uint16_t id)
{
    lane->sent_at[id] = 0;
    lane->outstanding--;
    total.outstanding--;
}

static void write_query(uint8_t *bytes, struct iovec *part, uint16_t id)
{
    const Query *query = &queries[query_next];
    if (++query_next == query_count)
        query_next = 0;
    memcpy(bytes, query->bytes, query->len);
    bytes[0] = id >> 8;
    bytes[1] = id;
    if (query->subnet_at) {
        uint32_t random = dice();
        bytes[query->subnet_at] = 1 + random % 200; /* 1.0.0.0 to 200.255.255.0 */
        bytes[query->subnet_at + 1] = random >> 8;
        bytes[query->subnet_at + 2] = random >> 16;
    }
    part->iov_len = query->len;
}

static void send_batch(Lane *lane, int count, uint64_t time)
{
    uint16_t first = lane->next_id;
    for (int i = 0; i < count; i++)
        write_query(out_bytes[i], &out_parts[i], first + i);
    int sent = sendmmsg(lane->fd, out_messages, count, 0);
    for (int i = 0; i < sent; i++) {
        uint16_t id = first + i;
        if (lane->sent_at[id]) { /* all IDs used since: that one was never answered */
            total.lost++;
            forget(lane, id);
        }
        lane->sent_at[id] = time;
    }
    if (sent > 0) {
        lane->next_id += sent;
        lane->outstanding += sent;
        total.sent += sent;
        total.outstanding += sent;
    }
}

static int receive_batch(Lane *lane)
{
    int received = recvmmsg(lane->fd, in_messages, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < received; i++) {
        const uint8_t *reply = in_bytes[i];
        uint16_t id = reply[0] << 8 | reply[1];
        if (in_messages[i].msg_len < HEADER || !lane->sent_at[id])
            continue;
        forget(lane, id);
        total.ok++;
        total.bytes += in_messages[i].msg_len;
        int response = reply[2] & 0x80, rcode = reply[3] & 15, answers = reply[6] << 8 | reply[7];
        total.bad += !response || rcode || !answers;
    }
    return received > 0 ? received : 0;
}

static void give_up_old(uint64_t time)
{
    for (int i = 0; i < options.lanes; i++)
        for (int id = 0; id < IDS && lanes[i].outstanding; id++)
            if (lanes[i].sent_at[id] && time - lanes[i].sent_at[id] > LOST_AFTER) {
                total.lost++;
                forget(&lanes[i], id);
            }
}

static void wait_for_reply(void)
{
    struct pollfd waits[SOCKETS_MAX];
    for (int i = 0; i < options.lanes; i++)
        waits[i] = (struct pollfd){lanes[i].fd, POLLIN, 0};
    poll(waits, options.lanes, 1);
}

static void run(void)
{
    uint64_t start = now(), end = start + (uint64_t)(options.seconds * SECOND), looked = start;
    int lane = 0;
    for (uint64_t time = start;; time = now()) {
        int sending = time < end;
        if (!sending && (total.outstanding == 0 || time > end + LAST_WAIT))
            break;
        long room = sending ? options.outstanding - total.outstanding : 0;
        /* Whole bursts only, unless so few are outstanding that the server may run dry. */
        int may_send = room >= options.burst || (room > 0 && total.outstanding <= BATCH);
        if (may_send) {
            send_batch(&lanes[lane], room < options.burst ? room : options.burst, time);
            lane = (lane + 1) % options.lanes;
        }
        int received = 0;
        for (int i = 0; i < options.lanes; i++)
            if (lanes[i].outstanding)
                received += receive_batch(&lanes[i]);
        if (received == 0 && !may_send)
            wait_for_reply();
        if (time - looked > SECOND / 10)
            give_up_old(looked = time);
    }
    total.lost += total.outstanding;
}

int main(int count, char **words)
{
    for (int option; (option = getopt(count, words, "p:n:f:l:w:k:b:E")) > 0;)
        switch (option) {
        case 'p': options.port = atoi(optarg); break;
        case 'n': options.name = optarg; break;
        case 'f': options.file = optarg; break;
        case 'l': options.seconds = atof(optarg); break;
        case 'w': options.outstanding = atol(optarg); break;
        case 'k': options.lanes = atoi(optarg); break;
        case 'b': options.burst = atol(optarg); break;
        case 'E': options.subnet = 1; break;
        default: return 2;
        }
    int lanes_fit = options.lanes > 0 && options.lanes <= SOCKETS_MAX;
    int burst_fits = options.burst > 0 && options.burst <= BATCH;
    if (!options.port || !(options.name || options.file) || !lanes_fit || !burst_fits) {
        fprintf(stderr, "generator: a port and a name or file are needed, see the source\n");
        return 2;
    }
    if (options.file)
        read_names(options.file);
    else
        add_query(options.name);
    open_lanes();
    run();
    printf("sent=%lu ok=%lu lost=%lu bad=%lu qps=%.0f bytes=%.0f\n", total.sent, total.ok,
           total.lost, total.bad, total.ok / options.seconds,
           total.ok ? (double)total.bytes / total.ok : 0);
    return 0;
}
