using System.Globalization;

namespace Fpn.IlGpu.Detection;

/// <summary>The paper's names of feature maps.</summary>
internal static class FeatureNames
{
    /// <summary>The name of the backbone's map of a level: C2.</summary>
    public static string Backbone(int level) => string.Create(CultureInfo.InvariantCulture, $"C{level}");

    /// <summary>The name of the pyramid's map of a level: P2.</summary>
    public static string Pyramid(int level) => string.Create(CultureInfo.InvariantCulture, $"P{level}");

    /// <summary>Whether a name is one of the pyramid's.</summary>
    public static bool IsPyramid(string name) => name[0] == 'P';
}
