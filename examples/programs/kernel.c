/* A convolution kernel as a program that convparity asks: float32, 1 to 3 axes, written for reading. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { int shape[5], rank; long size; float *data; } Array;

/* Returns what stands behind a key of the line: the protocol's lines are flat, and have no spaces in keys. */
static char *value(char *line, const char *key) {
    char quoted[32];
    snprintf(quoted, sizeof quoted, "\"%s\": ", key);
    char *found = strstr(line, quoted);
    return found ? found + strlen(quoted) : NULL;
}

static void ints(char *text, int *out, int count) { /* reads so many ints, whatever brackets they stand in */
    for (int i = 0; i < count; i++) {
        while (*text != '-' && (*text < '0' || *text > '9')) text++;
        out[i] = (int)strtol(text, &text, 10);
    }
}

static Array read_npy(char *path) { /* a .npy file of version 1, float32, C order */
    Array a = {{1, 1, 1, 1, 1}, 0, 1, NULL};
    unsigned char start[10];
    *strchr(path, '"') = 0;
    FILE *file = fopen(path, "rb");
    if (!file || fread(start, 1, 10, file) != 10) exit(1);
    int length = start[8] + 256 * start[9];
    char *header = calloc(length + 1, 1), *at;
    if (fread(header, 1, length, file) != (size_t)length) exit(1);
    for (at = strchr(strstr(header, "shape"), '(') + 1; *at != ')'; at += *at == ',' || *at == ' ')
        if (*at >= '0' && *at <= '9') a.size *= a.shape[a.rank++] = (int)strtol(at, &at, 10);
    a.data = malloc(a.size * sizeof(float) + 1);
    if (fread(a.data, sizeof(float), a.size, file) != (size_t)a.size) exit(1);
    return free(header), fclose(file), a;
}

static void write_npy(char *path, const int *shape, int rank, const float *data, long size) {
    char header[119] = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
    for (int i = 0; i < rank; i++) sprintf(header + strlen(header), "%d, ", shape[i]);
    strcat(header, "), }");
    memset(header + strlen(header), ' ', 117 - strlen(header)), header[117] = '\n';
    *strchr(path, '"') = 0;
    FILE *file = fopen(path, "wb");
    fwrite("\x93NUMPY\1\0v\0", 1, 10, file), fwrite(header, 1, 118, file);
    fwrite(data, sizeof(float), size, file), fclose(file);
}

int main(void) {
    static char line[1 << 16], copy[3][1 << 16];
    while (fgets(line, sizeof line, stdin)) {
        int id, n[3] = {1, 1, 1}, k[3] = {1, 1, 1}, s[3] = {1, 1, 1}, d[3] = {1, 1, 1}, pads[6] = {0}, m[3];
        int extra[3] = {0}, groups;
        if (value(line, "protocol")) {
            puts("{\"protocol\": 1, \"name\": \"kernel.c\", \"version\": \"1.0\"}"), fflush(stdout);
            continue;
        }
        int transposed = strstr(value(line, "op"), "conv_transpose") == value(line, "op") + 1;
        ints(value(line, "id"), &id, 1), ints(value(line, "groups"), &groups, 1);
        if (strncmp(value(line, "dtype"), "\"float32\"", 9)) {
            printf("{\"id\": %d, \"status\": \"rejected\", \"error\": \"NotImplementedError: float32 only\"}\n", id);
            fflush(stdout);
            continue;
        }
        for (int i = 0; i < 3; i++) strcpy(copy[i], line);
        Array x = read_npy(value(copy[0], "x") + 1), w = read_npy(value(copy[1], "w") + 1), b = {.data = NULL};
        if (*value(copy[2], "bias") == '"') b = read_npy(value(copy[2], "bias") + 1);
        int rank = x.rank - 2, batch = x.shape[0], channels = x.shape[1], first = 3 - rank;
        int filters = transposed ? w.shape[1] * groups : w.shape[0], shape[5] = {batch, filters};
        ints(value(line, "stride"), s + first, rank), ints(value(line, "dilation"), d + first, rank);
        ints(value(line, "padding"), pads + 2 * first, 2 * rank);
        if (transposed) ints(value(line, "output_padding"), extra + first, rank);
        long size = (long)batch * filters;
        for (int a = first; a < 3; a++) {
            n[a] = x.shape[2 + a - first], k[a] = w.shape[2 + a - first];
            int extent = (k[a] - 1) * d[a] + 1, both = pads[2 * a] + pads[2 * a + 1];
            m[a] = transposed ? (n[a] - 1) * s[a] + extent - both + extra[a] : (n[a] + both - extent) / s[a] + 1;
            size *= shape[2 + a - first] = m[a];
        }
        for (int a = 0; a < first; a++) m[a] = 1;
        float *y = calloc(size + 1, sizeof(float));
        int *coarse = transposed ? n : m, *fine = transposed ? m : n; /* fine = coarse * stride + tap * dilation - pad */
        int per_in = channels / groups, per_out = filters / groups;
        for (int sample = 0; sample < batch; sample++)
        for (int o = 0; o < filters; o++)
        for (int c = 0; c < per_in; c++)
        for (int i = 0; i < coarse[0] * coarse[1] * coarse[2]; i++)
        for (int t = 0; t < k[0] * k[1] * k[2]; t++) {
            int at[3] = {i / coarse[2] / coarse[1], i / coarse[2] % coarse[1], i % coarse[2]}, inside = 1;
            int tap[3] = {t / k[2] / k[1], t / k[2] % k[1], t % k[2]}, f = 0;
            for (int a = 0; a < 3; a++) {
                int place = at[a] * s[a] + tap[a] * d[a] - pads[2 * a];
                inside &= place >= 0 && place < fine[a], f = f * fine[a] + place;
            }
            int in = o / per_out * per_in + c, taps = k[0] * k[1] * k[2], all = fine[0] * fine[1] * fine[2];
            int wide = coarse[0] * coarse[1] * coarse[2];
            if (inside && transposed)
                y[((long)sample * filters + o) * all + f] +=
                    x.data[((long)sample * channels + in) * wide + i] * w.data[(in * per_out + o % per_out) * taps + t];
            else if (inside)
                y[((long)sample * filters + o) * wide + i] +=
                    x.data[((long)sample * channels + in) * all + f] * w.data[(o * per_in + c) * taps + t];
        }
        for (long i = 0, plane = m[0] * m[1] * m[2]; b.data && i < size; i++) y[i] += b.data[i / plane % filters];
        write_npy(value(line, "y") + 1, shape, 2 + rank, y, size);
        printf("{\"id\": %d, \"status\": \"ok\"}\n", id), fflush(stdout);
        free(x.data), free(w.data), free(b.data), free(y);
    }
    return 0;
}
