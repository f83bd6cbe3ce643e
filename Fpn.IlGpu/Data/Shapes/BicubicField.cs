namespace Fpn.IlGpu.Data.Shapes;

/// <summary>
/// Enlarges a small field of numbers smoothly: Keys' cubic convolution, a = −½, first along x, then along y, with the
/// weights of the up to four samples around a point scaled to the sum 1 at the borders.
/// <code>
/// w(t) = (1.5 |t| − 2.5) t² + 1 for |t| &lt; 1;   −½ (((|t| − 5) |t| + 8) |t| − 4) for |t| &lt; 2;   t = sample + ½ − centre
/// </code>
/// Sums in float64, both results rounded to float32.
/// </summary>
internal static class BicubicField
{
    /// <summary>From [rows, columns] to [h, w].</summary>
    public static float[] Enlarge(float[] field, int rows, int columns, int h, int w)
    {
        var wide = new float[rows * w];
        for (var x = 0; x < w; x++)
        {
            var taps = new Taps(x, columns, w);
            for (var y = 0; y < rows; y++)
                wide[y * w + x] = taps.Sum(field, y * columns, 1);
        }

        var result = new float[h * w];
        for (var y = 0; y < h; y++)
        {
            var taps = new Taps(y, rows, h);
            for (var x = 0; x < w; x++)
                result[y * w + x] = taps.Sum(wide, x, w);
        }
        return result;
    }

    /// <summary>The samples that a place of the enlarged field is mixed from.</summary>
    private readonly struct Taps
    {
        private readonly int first;
        private readonly double[] weights;

        public Taps(int at, int samples, int places)
        {
            // A field that is made smaller is first made smoother.
            var scale = (double)samples / places;
            var spread = Math.Max(scale, 1);
            var centre = (at + 0.5) * scale;
            first = Math.Max(0, (int)(centre - 2 * spread + 0.5));
            weights = new double[Math.Min(samples, (int)(centre + 2 * spread + 0.5)) - first];
            var sum = 0.0;
            for (var i = 0; i < weights.Length; i++)
                sum += weights[i] = Weight((i + first - centre + 0.5) * (1 / spread));
            for (var i = 0; i < weights.Length; i++)
                weights[i] /= sum;
        }

        public float Sum(float[] values, int from, int stride)
        {
            var sum = 0.0;
            for (var i = 0; i < weights.Length; i++)
                sum += values[from + (first + i) * stride] * weights[i];
            return (float)sum;
        }

        private static double Weight(double t)
        {
            t = Math.Abs(t);
            return t < 1 ? (1.5 * t - 2.5) * t * t + 1 : t < 2 ? (((t - 5) * t + 8) * t - 4) * -0.5 : 0;
        }
    }
}
