using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>Seeded values for operator tests, those of the library's own verification.</summary>
internal static class TestValues
{
    /// <summary>Uniform in −1…1.</summary>
    public static float[] Uniform(int count, int seed) => CaseValues.Uniform(count, seed);

    /// <summary>Uniform in a range.</summary>
    public static float[] Uniform(int count, int seed, float from, float to) => CaseValues.Uniform(count, seed, from, to);

    /// <summary>Boxes of all sizes, some partly and some wholly off a picture of w × h px, as x1, y1, x2, y2.</summary>
    public static float[] Boxes(int count, int seed, float w, float h) => CaseValues.Boxes(count, seed, w, h);
}
