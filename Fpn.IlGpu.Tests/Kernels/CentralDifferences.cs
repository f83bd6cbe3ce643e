namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>The gradient by its definition: how a number changes when each of the values that it is made of is moved a little.</summary>
internal static class CentralDifferences
{
    /// <summary><c>(f(x + h) − f(x − h)) / 2h</c> for every x, in double.</summary>
    public static float[] Of(float[] values, double h, Func<double[], double> function)
    {
        var x = Array.ConvertAll(values, v => (double)v);
        var result = new float[x.Length];
        for (var i = 0; i < x.Length; i++)
        {
            var before = x[i];
            x[i] = before + h;
            var above = function(x);
            x[i] = before - h;
            result[i] = (float)((above - function(x)) / (2 * h));
            x[i] = before;
        }
        return result;
    }

    /// <summary>Of an operator whose nested loops take floats: of Σ output · weights.</summary>
    public static float[] Of(float[] values, double h, float[] weights, Func<float[], float[]> function)
        => Of(values, h, x => Dot(function(Array.ConvertAll(x, v => (float)v)), weights));

    /// <summary>Σ a · b.</summary>
    public static double Dot(float[] a, float[] b) => a.Zip(b).Sum(pair => (double)pair.First * pair.Second);
}
