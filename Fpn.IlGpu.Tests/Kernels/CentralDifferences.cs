namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>Numerical gradients: how a function's value changes when each of its inputs moves a little.</summary>
internal static class CentralDifferences
{
    /// <summary><c>(f(x + h) − f(x − h)) / 2h</c> for every x, in double. The function is called on several threads.</summary>
    public static float[] Of(float[] values, double h, Func<double[], double> function)
    {
        var result = new float[values.Length];
        Parallel.For(0, result.Length, () => Array.ConvertAll(values, v => (double)v), (i, _, x) =>
        {
            var before = x[i];
            x[i] = before + h;
            var above = function(x);
            x[i] = before - h;
            result[i] = (float)((above - function(x)) / (2 * h));
            x[i] = before;
            return x;
        }, _ => { });
        return result;
    }

    /// <summary>The gradient of Σ output · weights, for an operator whose nested loops take floats.</summary>
    public static float[] Of(float[] values, double h, float[] weights, Func<float[], float[]> function)
        => Of(values, h, x => Dot(function(Array.ConvertAll(x, v => (float)v)), weights));

    /// <summary>Σ a · b.</summary>
    public static double Dot(float[] a, float[] b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++)
            sum += (double)a[i] * b[i];
        return sum;
    }
}
