/* fleet_svg.c - a picture: contacts with the CA over time, and devices without a certificate */
#include <stdlib.h>

#include "fleet.h"

#define SVG_W       1000
#define SVG_H       300
#define SVG_LEFT    70
#define SVG_TOP     40
#define SVG_COLUMNS 600
#define SVG_BEFORE  ((uint64_t)2 * FLEET_DAY_MS) /* shown of the time before power fails */

struct svg_data {
    double contacts[SVG_COLUMNS]; /* a minute, the mean of the column */
    double peak[SVG_COLUMNS];     /* a minute, the highest of the column */
    double dark[SVG_COLUMNS];
    double top, dark_top;
    uint64_t from_ms; /* of the scenario */
    size_t first, minutes;
};

static void svg_read(const struct fleet *f, struct svg_data *s)
{
    int64_t dark = 0;
    double width;

    s->from_ms = f->plan->off_at > SVG_BEFORE ? f->plan->off_at - SVG_BEFORE : 0;
    s->first = (size_t)((f->from_ms + s->from_ms - f->start_ms) / FLEET_MINUTE_MS);
    s->minutes = (size_t)((f->end_ms - f->from_ms - s->from_ms) / FLEET_MINUTE_MS);
    width = (double)s->minutes / SVG_COLUMNS;
    s->top = s->dark_top = 4;
    for (size_t m = 0; m < s->first; m++)
        dark += f->dark_minute[m];
    for (size_t m = 0; m < s->minutes; m++) {
        size_t c = (size_t)((double)m / width);
        double n = f->per_minute[s->first + m];

        c = c < SVG_COLUMNS ? c : SVG_COLUMNS - 1;
        dark += f->dark_minute[s->first + m];
        s->contacts[c] += n / (width > 1 ? width : 1);
        if (n > s->peak[c])
            s->peak[c] = n;
        if ((double)dark > s->dark[c])
            s->dark[c] = (double)dark;
        if (s->peak[c] > s->top)
            s->top = s->peak[c];
        if (s->dark[c] > s->dark_top)
            s->dark_top = s->dark[c];
    }
}

static double svg_x(size_t column)
{
    return SVG_LEFT + (double)column * (SVG_W - SVG_LEFT - 70) / SVG_COLUMNS;
}

static double svg_y(double value, double top)
{
    return SVG_TOP + (SVG_H - 2 * SVG_TOP) * (1 - value / top);
}

static void svg_line(FILE *out, const double *values, double top, const char *style)
{
    fprintf(out, "<polyline fill=\"none\" %s points=\"", style);
    for (size_t c = 0; c < SVG_COLUMNS; c++)
        fprintf(out, "%.1f,%.1f ", svg_x(c), svg_y(values[c], top));
    fprintf(out, "\"/>\n");
}

/* A band from one moment of the scenario to another. */
static void svg_band(const struct fleet *f, FILE *out, const struct svg_data *s, uint64_t from,
                     uint64_t ms, const char *fill)
{
    double run = (double)(f->plan->run_ms - s->from_ms), w = SVG_W - SVG_LEFT - 70;

    if (ms > 0)
        fprintf(out, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n",
                SVG_LEFT + w * (double)(from - s->from_ms) / run, SVG_TOP,
                w * (double)ms / run + 0.5, SVG_H - 2 * SVG_TOP, fill);
}

static void svg_axes(const struct fleet *f, FILE *out, const struct svg_data *s)
{
    double first = (double)s->from_ms / (double)FLEET_DAY_MS;
    double days = (double)f->plan->run_ms / (double)FLEET_DAY_MS - first;
    double step = days > 100 ? 30 : days > 20 ? 5 : 1;

    fprintf(out, "<path d=\"M%d %dV%dH%d\" stroke=\"#444\" fill=\"none\"/>\n", SVG_LEFT, SVG_TOP,
            SVG_H - SVG_TOP, SVG_W - 70);
    for (int i = 0; i <= 4; i++) {
        double y = svg_y(s->top * i / 4, s->top);
        fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.0f</text>\n", SVG_LEFT - 6,
                y + 4, s->top * i / 4);
        fprintf(out, "<text x=\"%d\" y=\"%.1f\" fill=\"#c33\">%.0f</text>\n", SVG_W - 64, y + 4,
                s->dark_top * i / 4);
    }
    for (double d = 0; d <= days; d += step)
        fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>\n",
                SVG_LEFT + d / days * (SVG_W - SVG_LEFT - 70), SVG_H - SVG_TOP + 16, first + d);
    fprintf(out,
            "<text x=\"%d\" y=\"16\">%s: %s; %u agents</text>\n<text x=\"%d\" y=\"32\" "
            "fill=\"#47a\">contacts a minute (pale: the highest minute)</text>\n<text x=\"%d\" "
            "y=\"32\" fill=\"#c33\" text-anchor=\"end\">devices without a valid certificate</text>"
            "\n<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">days</text>\n",
            SVG_LEFT, f->plan->name, f->plan->words, f->count, SVG_LEFT, SVG_W - 10, SVG_W / 2,
            SVG_H - 8);
}

int fleet_svg(const struct fleet *f, const char *path)
{
    struct svg_data *s = calloc(1, sizeof *s);
    FILE *out = fopen(path, "w");

    if (s == NULL || out == NULL) {
        free(s);
        if (out != NULL)
            fclose(out);
        return -1;
    }
    svg_read(f, s);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"%d\" height=\"%d\" "
            "fill=\"white\"/>\n",
            SVG_W, SVG_H, SVG_W, SVG_H);
    svg_band(f, out, s, f->plan->outage_at, f->plan->outage_ms, "#fdd");
    svg_band(f, out, s, f->plan->off_at, f->plan->off_ms, "#ddd");
    svg_line(out, s->peak, s->top, "stroke=\"#bcd\" stroke-width=\"1\"");
    svg_line(out, s->contacts, s->top, "stroke=\"#47a\" stroke-width=\"1.5\"");
    svg_line(out, s->dark, s->dark_top, "stroke=\"#c33\" stroke-width=\"1\"");
    svg_axes(f, out, s);
    fprintf(out, "</svg>\n");
    free(s);
    return fclose(out) == 0 ? 0 : -1;
}
