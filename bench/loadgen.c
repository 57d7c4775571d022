/* loadgen.c - a neutral TCP load generator: one thread, epoll, closed loop, every reply verified.
 *
 *   gcc -O2 -Wall -Wextra -o loadgen loadgen.c
 *
 * Each connection keeps `--depth` messages in flight; a new message is sent for each reply that came back.
 * Every message carries a tag derived from (connection, sequence number) and a pattern that shifts with the
 * sequence number; a reply must be byte-identical and in order, else it counts as an error and the
 * connection is closed. A connection counts as open only when its first message was echoed (unless
 * --no-probe), so "connections per second" is what the server really accepted and served.
 *
 * Prints one JSON line; mb_s counts payload bytes in one direction, 1 MB = 10^6 bytes. Options:
 *   --host A --port N     server address (default 127.0.0.1 9000)
 *   --conns N             connections (default 1)
 *   --depth N             messages in flight per connection (default 1)
 *   --size N              payload bytes (default 32)
 *   --framing F           u16   2-byte big-endian length, header not counted in it (default)
 *                         fixed frames of exactly --size bytes
 *                         line  printable payload and '\n'
 *                         ping  RESP: sends *1\r\n$4\r\nPING\r\n, expects +PONG\r\n
 *                         varint  LEB128 length (protobuf / libp2p style)
 *                         rsocket a SETUP, then REQUEST_RESPONSE frames answered with PAYLOADs (next and complete)
 *                         nest  the JSON messages of NestJS's TCP transport, pattern "echo", printable payload
 *   --duration S --warmup S   seconds measured, seconds before them (defaults 3 and 1; decimals allowed)
 *   --connect-only        open, echo one message, close; for --duration seconds, --window at a time
 *   --idle                open --conns connections and hold them for --duration seconds
 *   --drain               as --idle, then send SIGTERM to --pid and wait until the server has closed them all:
 *                         `secs` is how long that took, the percentiles are those of each connection
 *   --broadcast           the first connection sends, all connections must receive; the next message follows when all
 *                         have. An empty frame (the probe) is to be answered to its sender only. u16 only
 *   --window N            connections being opened at once (default 64)
 *   --srcs N              spread source addresses over 127.0.1.1 .. 127.0.1.N (default 1: not bound)
 *   --no-probe            do not require an echo before a connection counts as open
 *   --pid N               also report that process's CPU time, per message or connection, and its resident memory.
 *                         The time comes from the process's CPU clock: all threads, user and system, nanoseconds
 *   --churn-rst           in --connect-only close with RST instead of FIN
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum framing { F_U16, F_FIXED, F_LINE, F_PING, F_VARINT, F_RSOCKET, F_NEST, N_FRAMINGS };
static const char *FNAME[] = {"u16", "fixed", "line", "ping", "varint", "rsocket", "nest"};
enum way { ASK, ANSWER };
enum state { S_CLOSED, S_CONNECTING, S_PROBING, S_OPEN };

struct conn {
  int fd;
  enum state state;
  uint32_t id;          /* part of every message's tag */
  uint32_t sent, rcvd;  /* sequence numbers of the next message out and the next reply expected */
  size_t rx_off;        /* bytes of the expected reply already matched */
  char *tx;             /* bytes the socket did not take yet */
  size_t tx_off, tx_len, tx_cap;
  uint64_t *ts;         /* ring of send times, one per message in flight */
};

static struct {
  const char *host;
  int port, conns, depth, size, window, srcs, pid;
  enum framing framing;
  double duration, warmup;
  int connect_only, idle, drain, broadcast, no_probe, rst;
} o = {"127.0.0.1", 9000, 1, 1, 32, 64, 1, 0, F_U16, 3, 1, 0, 0, 0, 0, 0, 0};

static int ep, n_open, n_opening, slots, to_come; /* to_come: deliveries of the broadcast under way */
static struct conn *cs;
static uint64_t drain_start;
static uint32_t next_id;
static uint64_t msgs, errors, established, closed_by_peer;
static size_t frame_len, reply_len;
static char *pattern, *scratch, *rxbuf, *expected;
#define RXBUF (256 * 1024)
#define PING_REQ "*1\r\n$4\r\nPING\r\n"
#define PING_REP "+PONG\r\n"
/* Version 1.0, no keep-alive for 24 days, and two MIME types */
#define MIME "\x18" "application/octet-stream"
static const char SETUP[] = "\0\0\x44" "\0\0\0\0" "\x04\0" "\0\1\0\0" "\x7f\xff\xff\xff" "\x7f\xff\xff\xff" MIME MIME;

static void die(const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vfprintf(stderr, fmt, ap);
  va_end(ap);
  fputc('\n', stderr);
  exit(2);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- histogram: 128 linear steps per power of two (0.8 % resolution) -------------------------------- */
#define SUB 7
static uint64_t hist[(64 - SUB + 1) << SUB], hist_n, hist_max;
static void hist_add(uint64_t v) {
  int shift = v < (1u << SUB) ? 0 : 63 - __builtin_clzll(v) - SUB;
  hist[((size_t)shift << SUB) + (v >> shift)]++; /* v >> shift is below 2^(SUB+1) */
  hist_n++;
  if (v > hist_max) hist_max = v;
}
static double hist_us(double p) {
  uint64_t want = (uint64_t)(p * (double)hist_n + 0.5), seen = 0;
  if (want < 1) want = 1;
  for (size_t i = 0; i < sizeof hist / sizeof *hist; i++)
    if ((seen += hist[i]) >= want) {
      if (i < (2u << SUB)) return (double)i / 1e3; /* shift 0 and the first step of shift 1 share indices */
      int shift = (int)(i >> SUB) - 1;
      return (double)((i - ((uint64_t)shift << SUB)) << shift) / 1e3;
    }
  return 0;
}

/* ---- messages --------------------------------------------------------------------------------------- */
static uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}
static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* What stands before and behind the payload of a message of NestJS, after its length in characters. */
static const char *NEST[][2] = {[ASK] = {"{\"pattern\":\"echo\",\"data\":\"", "\",\"id\":\"%010u\"}"},
                                [ANSWER] = {"{\"response\":\"", "\",\"isDisposed\":true,\"id\":\"%010u\"}"}};
#define NEST_TAIL 40
static int printable(void) { return o.framing == F_LINE || o.framing == F_NEST; }

/* The first bytes of message `seq` of connection `id`: header and tag. Returns how many (at most 64). */
static size_t head(enum way way, uint32_t id, uint32_t seq, char *out) {
  size_t h = 0, tag = o.size < 8 ? (size_t)o.size : 8;
  if (o.framing == F_U16) {
    out[h++] = (char)(o.size >> 8);
    out[h++] = (char)o.size;
  } else if (o.framing == F_VARINT) {
    unsigned n = (unsigned)o.size;
    for (; n > 127; n >>= 7) out[h++] = (char)(n | 128);
    out[h++] = (char)n;
  } else if (o.framing == F_RSOCKET) {
    unsigned n = (unsigned)o.size + 6, stream = 2 * seq + 1, type = way == ASK ? 0x1000 : 0x2860;
    for (int shift = 16; shift >= 0; shift -= 8) out[h++] = (char)(n >> shift);
    for (int shift = 24; shift >= 0; shift -= 8) out[h++] = (char)(stream >> shift);
    for (int shift = 8; shift >= 0; shift -= 8) out[h++] = (char)(type >> shift);
  } else if (o.framing == F_NEST) {
    char tail[NEST_TAIL];
    int n = snprintf(tail, sizeof tail, NEST[way][1], seq);
    h = (size_t)sprintf(out, "%zu#%s", strlen(NEST[way][0]) + (size_t)o.size + (size_t)n, NEST[way][0]);
  }
  uint64_t t = mix(((uint64_t)id << 32 | seq) + 0x9e3779b97f4a7c15u);
  if (printable())
    for (size_t i = 0; i < tag; i++) out[h + i] = ALPHABET[t >> (8 * i) & 63];
  else
    memcpy(out + h, &t, tag);
  return h + tag;
}
/* The whole message. Returns its length. */
static size_t build(enum way way, uint32_t id, uint32_t seq, char *out) {
  if (o.framing == F_PING) {
    const char *text = way == ASK ? PING_REQ : PING_REP;
    memcpy(out, text, strlen(text));
    return strlen(text);
  }
  size_t tag = o.size < 8 ? (size_t)o.size : 8, h = head(way, id, seq, out), end = h - tag + (size_t)o.size;
  memcpy(out + h, pattern + (seq & 1023), end - h);
  if (o.framing == F_LINE) out[end++] = '\n';
  if (o.framing == F_NEST) end += (size_t)snprintf(out + end, NEST_TAIL, NEST[way][1], seq);
  return end;
}
/* Do the n bytes at p equal bytes [off, off+n) of the expected reply? */
static int matches(const struct conn *c, const char *p, size_t off, size_t n) {
  if (o.framing == F_PING) return !memcmp(p, PING_REP + off, n);
  if (o.framing == F_NEST) {
    build(ANSWER, c->id, c->rcvd, expected);
    return !memcmp(p, expected + off, n);
  }
  char hd[64];
  size_t h = head(ANSWER, c->id, c->rcvd, hd), end = reply_len - (o.framing == F_LINE), k;
  if (off < h) {
    k = n < h - off ? n : h - off;
    if (memcmp(p, hd + off, k)) return 0;
    p += k, off += k, n -= k;
  }
  if (n && off < end) {
    k = n < end - off ? n : end - off;
    if (memcmp(p, pattern + (c->rcvd & 1023) + (off - h), k)) return 0;
    p += k, off += k, n -= k;
  }
  return !n || *p == '\n';
}

/* ---- connections ------------------------------------------------------------------------------------ */
static void conn_close(struct conn *c) {
  if (c->state == S_CLOSED) return;
  if (c->state == S_OPEN) n_open--;
  else n_opening--;
  if (o.rst && o.connect_only)
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
  close(c->fd);
  c->state = S_CLOSED;
  c->tx_len = c->tx_off = 0;
}
static void conn_fail(struct conn *c, const char *why) {
  if (errors++ < 3) fprintf(stderr, "conn %u reply %u: %s\n", c->id, c->rcvd, why);
  conn_close(c);
}
static void want(struct conn *c, uint32_t events) {
  struct epoll_event e = {.events = events, .data.ptr = c};
  epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}

/* Send n more messages in one write; what the socket does not take waits in c->tx. */
static void conn_send(struct conn *c, int n, uint64_t t) {
  size_t len = 0;
  for (int i = 0; i < n; i++, c->sent++) {
    len += build(ASK, c->id, c->sent, scratch + len);
    c->ts[c->sent % (uint32_t)o.depth] = t;
  }
  ssize_t w = 0;
  if (!c->tx_len) {
    w = send(c->fd, scratch, len, MSG_NOSIGNAL);
    if (w < 0 && errno != EAGAIN) return conn_fail(c, strerror(errno));
    if (w < 0) w = 0;
    if ((size_t)w == len) return;
    want(c, EPOLLIN | EPOLLOUT);
  }
  size_t rest = len - (size_t)w;
  if (c->tx_off + c->tx_len + rest > c->tx_cap) {
    memmove(c->tx, c->tx + c->tx_off, c->tx_len);
    c->tx_off = 0;
    if (c->tx_len + rest > c->tx_cap) c->tx = realloc(c->tx, c->tx_cap = c->tx_len + rest);
  }
  memcpy(c->tx + c->tx_off + c->tx_len, scratch + w, rest);
  c->tx_len += rest;
}

static void conn_open(struct conn *c) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  if (fd < 0) die("socket: %s", strerror(errno));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)o.port)};
  c->fd = fd, c->id = next_id++, c->sent = c->rcvd = 0, c->rx_off = 0, c->state = S_CONNECTING;
  n_opening++;
  if (o.srcs > 1) {
    struct sockaddr_in s = {.sin_family = AF_INET};
    s.sin_addr.s_addr = htonl(0x7f000101u + c->id % (uint32_t)o.srcs);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(fd, (void *)&s, sizeof s)) die("bind: %s", strerror(errno));
  }
  if (inet_pton(AF_INET, o.host, &a.sin_addr) != 1) die("bad host %s", o.host);
  struct epoll_event e = {.events = EPOLLOUT, .data.ptr = c};
  epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
  if (connect(fd, (void *)&a, sizeof a) && errno != EINPROGRESS) conn_fail(c, strerror(errno));
}

static void conn_opened(struct conn *c, uint64_t t) {
  c->state = S_OPEN;
  n_opening--, n_open++, established++;
  if (o.connect_only) conn_close(c);
  else if (!o.idle && !o.broadcast) conn_send(c, o.depth, t);
}

/* The first connection says the next message, and everybody waits for it. */
static void broadcast_next(void) {
  uint64_t t = now_ns();
  to_come = slots;
  for (int i = 1; i < slots; i++) cs[i].sent++, cs[i].ts[0] = t;
  conn_send(&cs[0], 1, t);
}

static void conn_event(struct conn *c, uint32_t ev) {
  if (c->state == S_CONNECTING) {
    int err = 0;
    socklen_t len = sizeof err;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
    if (err) return conn_fail(c, strerror(err));
    want(c, EPOLLIN);
    if (o.framing == F_RSOCKET && send(c->fd, SETUP, sizeof SETUP - 1, MSG_NOSIGNAL) < 0)
      return conn_fail(c, "the SETUP could not be sent");
    if (o.no_probe) return conn_opened(c, now_ns());
    c->state = S_PROBING;
    if (!o.broadcast) return conn_send(c, 1, now_ns());
    c->id = 0; /* all expect what the first one says */
    if (send(c->fd, "\0", 2, MSG_NOSIGNAL) != 2) conn_fail(c, "the probe could not be sent");
    return;
  }
  if (c->tx_len && (ev & EPOLLOUT)) {
    ssize_t w = send(c->fd, c->tx + c->tx_off, c->tx_len, MSG_NOSIGNAL);
    if (w < 0 && errno != EAGAIN) return conn_fail(c, strerror(errno));
    if (w > 0) c->tx_off += (size_t)w, c->tx_len -= (size_t)w;
    if (!c->tx_len) c->tx_off = 0, want(c, EPOLLIN);
  }
  if (!(ev & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
  ssize_t r = recv(c->fd, rxbuf, RXBUF, 0);
  if (r < 0 && errno == EAGAIN) return;
  if (r == 0 && drain_start) {
    closed_by_peer++;
    hist_add(now_ns() - drain_start);
    return conn_close(c);
  }
  if (r <= 0) {
    closed_by_peer++;
    return conn_fail(c, r ? strerror(errno) : "closed by peer");
  }
  uint64_t t = now_ns();
  if (o.broadcast && c->state == S_PROBING) {
    c->rx_off += (size_t)r;
    if (c->rx_off > 2 || memcmp(rxbuf, "\0", (size_t)r)) return conn_fail(c, "the probe was not answered with itself");
    if (c->rx_off == 2) c->rx_off = 0, conn_opened(c, t);
    return;
  }
  int done = 0;
  for (char *p = rxbuf; r > 0;) {
    size_t n = reply_len - c->rx_off;
    if (n > (size_t)r) n = (size_t)r;
    if (c->rcvd == c->sent) return conn_fail(c, "more bytes than asked for");
    if (!matches(c, p, c->rx_off, n)) return conn_fail(c, "reply differs from the message sent");
    p += n, r -= (ssize_t)n, c->rx_off += n;
    if (c->rx_off < reply_len) break;
    hist_add(t - c->ts[c->rcvd % (uint32_t)o.depth]);
    c->rx_off = 0, c->rcvd++, done++;
  }
  msgs += (uint64_t)done;
  if (c->state == S_PROBING) {
    if (done) conn_opened(c, t);
  } else if (o.broadcast) {
    to_come -= done;
    if (done && !to_come) broadcast_next();
  } else if (done) conn_send(c, done, t);
}

/* Run the loop until the deadline, or until `enough` connections are open (when enough > 0). */
static void loop_until(uint64_t deadline, int enough) {
  struct epoll_event ev[256];
  for (int scan = 0;;) {
    uint64_t t = now_ns();
    if (t >= deadline || (enough && n_open >= enough)) return;
    /* (re)open closed slots: while opening, and always in --connect-only */
    if (enough || o.connect_only)
      for (int k = 0; k < slots && n_opening < o.window && n_open + n_opening < slots; k++) {
        if (cs[scan].state == S_CLOSED) conn_open(&cs[scan]);
        scan = (scan + 1) % slots;
      }
    if (!enough && !o.connect_only && !n_open) return; /* every connection failed */
    int n = epoll_wait(ep, ev, 256, (int)((deadline - t) / 1000000u) + 1);
    for (int i = 0; i < n; i++) {
      struct conn *c = ev[i].data.ptr;
      if (c->state != S_CLOSED) conn_event(c, ev[i].events);
    }
    if (enough && errors > 1000) die("giving up: too many errors while connecting");
  }
}

/* ---- what the server process used ------------------------------------------------------------------- */
static double self_cpu(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}
static double pid_cpu(void) { /* seconds, of all its threads */
  struct timespec t;
  clockid_t clock;
  if (!o.pid || clock_getcpuclockid(o.pid, &clock) || clock_gettime(clock, &t)) return 0;
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static double pid_rss_mb(void) {
  char path[64];
  long size = 0, rss = 0;
  snprintf(path, sizeof path, "/proc/%d/statm", o.pid);
  FILE *f = o.pid ? fopen(path, "r") : NULL;
  if (!f) return 0;
  if (fscanf(f, "%ld %ld", &size, &rss) != 2) rss = 0;
  fclose(f);
  return (double)rss * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static void parse(int argc, char **argv) {
  enum { HOST = 1, PORT, CONNS, DEPTH, SIZE, FRAMING, DURATION, WARMUP, WINDOW, SRCS, PID };
  static const struct option L[] = {
      {"host", 1, 0, HOST},         {"port", 1, 0, PORT},     {"conns", 1, 0, CONNS},    {"depth", 1, 0, DEPTH},
      {"size", 1, 0, SIZE},         {"framing", 1, 0, FRAMING}, {"duration", 1, 0, DURATION}, {"warmup", 1, 0, WARMUP},
      {"window", 1, 0, WINDOW},     {"srcs", 1, 0, SRCS},     {"pid", 1, 0, PID},        {"connect-only", 0, &o.connect_only, 1},
      {"idle", 0, &o.idle, 1},      {"drain", 0, &o.drain, 1}, {"broadcast", 0, &o.broadcast, 1}, {"no-probe", 0, &o.no_probe, 1}, {"churn-rst", 0, &o.rst, 1}, {0, 0, 0, 0}};
  for (int k; (k = getopt_long(argc, argv, "", L, NULL)) != -1;) switch (k) {
      case 0: break;
      case HOST: o.host = optarg; break;
      case PORT: o.port = atoi(optarg); break;
      case CONNS: o.conns = atoi(optarg); break;
      case DEPTH: o.depth = atoi(optarg); break;
      case SIZE: o.size = atoi(optarg); break;
      case DURATION: o.duration = atof(optarg); break;
      case WARMUP: o.warmup = atof(optarg); break;
      case WINDOW: o.window = atoi(optarg); break;
      case SRCS: o.srcs = atoi(optarg); break;
      case PID: o.pid = atoi(optarg); break;
      case FRAMING: {
        int i = 0;
        while (i < N_FRAMINGS && strcmp(optarg, FNAME[i])) i++;
        if (i == N_FRAMINGS) die("unknown framing %s", optarg);
        o.framing = (enum framing)i;
        break;
      }
      default: die("see the head of loadgen.c for the options");
    }
  if (o.conns < 1 || o.depth < 1 || o.window < 1 || o.srcs < 1 || o.srcs > 250 || o.size < (o.framing == F_FIXED) ||
      (o.framing == F_U16 && o.size > 65535) || o.duration <= 0)
    die("option out of range");
  if (o.drain && !o.pid) die("--drain needs --pid");
  if (o.broadcast && (o.framing != F_U16 || o.depth > 1 || o.size < 1 || o.no_probe))
    die("--broadcast is for u16 frames that are not empty, at depth 1, with the probe");
  if (o.drain) o.idle = 1;
}

/* As many descriptors as may be had. */
static void raise_limit(void) {
  struct rlimit r;
  if (getrlimit(RLIMIT_NOFILE, &r)) return;
  r.rlim_cur = r.rlim_max;
  setrlimit(RLIMIT_NOFILE, &r);
}

int main(int argc, char **argv) {
  parse(argc, argv);
  signal(SIGPIPE, SIG_IGN);
  raise_limit();
  if ((ep = epoll_create1(0)) < 0) die("epoll: %s", strerror(errno));
  if (o.framing == F_PING) o.size = 0;
  pattern = malloc((size_t)o.size + 1100);
  for (size_t i = 0; i < (size_t)o.size + 1100; i++) {
    uint64_t r = mix(i + 1);
    pattern[i] = printable() ? ALPHABET[r & 63] : (char)r;
  }
  scratch = malloc((size_t)o.size + 128);
  expected = malloc((size_t)o.size + 128);
  frame_len = build(ASK, 0, 0, scratch), reply_len = build(ANSWER, 0, 0, expected);
  scratch = realloc(scratch, frame_len * (size_t)o.depth);
  rxbuf = malloc(RXBUF);
  slots = o.connect_only ? o.window : o.conns;
  cs = calloc((size_t)slots, sizeof *cs);
  uint64_t *ts = calloc((size_t)slots * (size_t)o.depth, sizeof *ts);
  for (int i = 0; i < slots; i++) cs[i].ts = ts + (size_t)i * (size_t)o.depth;

  double rss0 = pid_rss_mb();
  uint64_t t0 = now_ns();
  if (!o.connect_only) {
    loop_until(t0 + 60000000000u, o.conns);
    if (n_open < o.conns) die("only %d of %d connections opened", n_open, o.conns);
  }
  double open_s = (double)(now_ns() - t0) / 1e9;
  if (o.broadcast) broadcast_next();
  if (!o.idle) loop_until(now_ns() + (uint64_t)(o.warmup * 1e9), 0);
  if (o.drain) {
    loop_until(now_ns() + (uint64_t)(o.duration * 1e9), 0);
    if (errors) die("%llu connections were lost while they were idle", (unsigned long long)errors);
    o.duration = 60;
  }

  memset(hist, 0, sizeof hist), hist_n = hist_max = msgs = 0;
  uint64_t opened_before = o.connect_only ? established : 0;
  double cpu0 = self_cpu(), scpu0 = pid_cpu();
  uint64_t t1 = now_ns();
  if (o.drain) {
    drain_start = t1;
    if (kill(o.pid, SIGTERM)) die("kill: %s", strerror(errno));
  }
  loop_until(t1 + (uint64_t)(o.duration * 1e9), 0);
  double secs = (double)(now_ns() - t1) / 1e9, cpu = self_cpu() - cpu0, scpu = pid_cpu() - scpu0, rss1 = pid_rss_mb();
  if (scpu < 0) scpu = 0; /* it has gone, and its clock with it */
  double rate = (double)msgs / secs, conns = (double)(established - opened_before);
  double conn_rate = o.connect_only ? conns / secs : conns / open_s;

  printf("{\"mode\":\"%s\",\"framing\":\"%s\",\"size\":%d,\"conns\":%d,\"depth\":%d,\"secs\":%.3f,\"msgs\":%llu,\"msgs_s\":%.0f,"
         "\"mb_s\":%.2f,\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f,\"errors\":%llu,"
         "\"closed_by_peer\":%llu,\"open\":%d,\"connects_s\":%.0f,\"client_cpu\":%.3f",
         o.connect_only ? "connect" : o.drain ? "drain" : o.idle ? "idle" : o.broadcast ? "broadcast" : "echo", FNAME[o.framing], o.size, slots, o.depth, secs,
         (unsigned long long)msgs, rate, rate * o.size / 1e6, hist_us(.5), hist_us(.9), hist_us(.99), hist_us(.999),
         (double)hist_max / 1e3, (unsigned long long)errors,
         (unsigned long long)closed_by_peer, n_open, conn_rate, cpu / secs);
  if (o.pid)
    printf(",\"server_cpu\":%.4f,\"server_us_per_msg\":%.4f,\"server_us_per_conn\":%.3f,\"rss_before_mb\":%.2f,\"rss_mb\":%.2f",
           scpu / secs, msgs ? scpu * 1e6 / (double)msgs : 0, o.connect_only && conns > 0 ? scpu * 1e6 / conns : 0, rss0, rss1);
  printf("}\n");
  for (int i = 0; i < slots; i++) conn_close(&cs[i]);
  return errors ? 1 : 0;
}
