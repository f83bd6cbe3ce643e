using System.Numerics;

namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>
/// Enlarges a small field of numbers smoothly by Keys' cubic convolution with a = −½, first along x, then along y. The weights of the
/// samples around a point, four or fewer at the borders, are normalised to a sum of 1.
/// <code>
/// w(t) = (1.5 |t| − 2.5) t² + 1 for |t| &lt; 1;   −½ (((|t| − 5) |t| + 8) |t| − 4) for |t| &lt; 2;   t = sample + ½ − centre
/// </code>
/// Sums are in float64, and the results of both passes are rounded to float32, as in Pillow.
/// </summary>
internal static class BicubicField
{
    /// <summary>Enlarges a field from [rows, columns, channels] to [h, w, channels].</summary>
    public static float[] Enlarge(float[] field, int rows, int columns, int channels, int h, int w)
    {
        var row = w * channels;
        var wide = new double[rows * row];
        for (var x = 0; x < w; x++)
        {
            var (first, weights) = Taps(x, columns, w);
            for (var y = 0; y < rows; y++)
            {
                for (var c = 0; c < channels; c++)
                {
                    var sum = 0.0;
                    for (var i = 0; i < weights.Length; i++)
                        sum += field[(y * columns + first + i) * channels + c] * weights[i];
                    wide[y * row + x * channels + c] = (float)sum;
                }
            }
        }
        var result = new float[h * row];
        var sums = new double[row];
        for (var y = 0; y < h; y++)
        {
            var (first, weights) = Taps(y, rows, h);
            Array.Clear(sums);
            for (var i = 0; i < weights.Length; i++)
                AddScaled(wide.AsSpan((first + i) * row, row), weights[i], sums);
            for (var x = 0; x < row; x++)
                result[y * row + x] = (float)sums[x];
        }
        return result;
    }

    private static void AddScaled(ReadOnlySpan<double> values, double weight, Span<double> sums)
    {
        var i = 0;
        for (; i <= sums.Length - Vector<double>.Count; i += Vector<double>.Count)
            (new Vector<double>(sums[i..]) + new Vector<double>(values[i..]) * weight).CopyTo(sums[i..]);
        for (; i < sums.Length; i++)
            sums[i] += values[i] * weight;
    }

    // The samples that contribute to a place of the result, and their weights. When shrinking, the kernel is widened to smooth the field.
    private static (int First, double[] Weights) Taps(int at, int samples, int places)
    {
        var scale = (double)samples / places;
        var spread = Math.Max(scale, 1);
        var centre = (at + 0.5) * scale;
        var first = Math.Max(0, (int)(centre - 2 * spread + 0.5));
        var weights = new double[Math.Min(samples, (int)(centre + 2 * spread + 0.5)) - first];
        var sum = 0.0;
        for (var i = 0; i < weights.Length; i++)
            sum += weights[i] = Weight((i + first - centre + 0.5) * (1 / spread));
        for (var i = 0; i < weights.Length; i++)
            weights[i] /= sum;
        return (first, weights);
    }

    private static double Weight(double t)
    {
        t = Math.Abs(t);
        return t < 1 ? (1.5 * t - 2.5) * t * t + 1 : t < 2 ? (((t - 5) * t + 8) * t - 4) * -0.5 : 0;
    }
}
