using System.Globalization;
using System.Text;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Tests.Imaging;

/// <summary>The pictures in the folders of fixtures, by their unique names, and their expected pixels.</summary>
internal static class PictureFixtures
{
    private static IEnumerable<string> Folders
        => Directory.EnumerateDirectories(Path.Combine(TestContext.CurrentContext.TestDirectory, "Imaging", "fixtures"));

    public static string PathOf(string name) => Folders.Select(folder => Path.Combine(folder, name)).Single(File.Exists);

    public static byte[] Bytes(string name) => File.ReadAllBytes(PathOf(name));

    /// <summary>The names with this ending of the pictures that have expected pixels.</summary>
    public static IEnumerable<string> Names(string ending)
        => from folder in Folders
           from file in Directory.EnumerateFiles(folder, $"*{ending}.rgb")
           orderby file
           select Path.GetFileNameWithoutExtension(file);

    public static RgbImage Expected(string name)
    {
        var data = Bytes(name + ".rgb");
        var line = Array.IndexOf(data, (byte)'\n');
        var size = Encoding.ASCII.GetString(data, 0, line).Split(' ');
        return new RgbImage(
            int.Parse(size[0], CultureInfo.InvariantCulture),
            int.Parse(size[1], CultureInfo.InvariantCulture),
            data[(line + 1)..]);
    }

    public static (double Mean, int Max) Difference(RgbImage actual, RgbImage expected)
    {
        Assert.That((actual.Width, actual.Height), Is.EqualTo((expected.Width, expected.Height)));
        var max = 0;
        long sum = 0;
        for (var i = 0; i < expected.Pixels.Length; i++)
        {
            var difference = Math.Abs(actual.Pixels[i] - expected.Pixels[i]);
            max = Math.Max(max, difference);
            sum += difference;
        }
        return ((double)sum / expected.Pixels.Length, max);
    }
}
