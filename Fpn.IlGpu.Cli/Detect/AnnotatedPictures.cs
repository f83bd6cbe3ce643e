using System.Globalization;

using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Cli;

/// <summary>Writes copies of the pictures, with the detected objects drawn on them, to a folder.</summary>
internal sealed class AnnotatedPictures
{
    private readonly Dictionary<string, string> outputs = new(StringComparer.Ordinal);

    /// <summary>Chooses an output file for each input, and checks before any detection that the folder can be written.</summary>
    /// <param name="folder">The folder for the pictures.</param>
    /// <param name="inputs">The pictures to draw on.</param>
    /// <param name="inUse">The files that may not be overwritten, the inputs among them.</param>
    /// <exception cref="CommandException">The folder can't be created or written.</exception>
    public AnnotatedPictures(string folder, IReadOnlyList<string> inputs, FilesInUse inUse)
    {
        Folder = folder;
        OutputFile.CheckFolder(folder, "--out", ", or use --no-pictures");
        // Names are compared without regard to case, as some file systems do.
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var input in inputs)
            outputs.Add(input, FreeName(input, taken, inUse));
    }

    /// <summary>The folder, as the user named it.</summary>
    public string Folder { get; }

    /// <summary>Draws the objects on the picture and writes it.</summary>
    /// <returns>The path of the file.</returns>
    public string Write(string input, RgbImage picture, IReadOnlyList<DetectedObject> objects)
    {
        picture.Draw(objects);
        var output = outputs[input];
        PictureWriter.Write(picture, output);
        return output;
    }

    // Photographs stay JPEG, which is smaller; everything else becomes PNG.
    private string FreeName(string input, HashSet<string> taken, FilesInUse inUse)
    {
        var extension = Path.GetExtension(input).ToLowerInvariant() is ".jpg" or ".jpeg" ? ".jpg" : ".png";
        var stem = Path.GetFileNameWithoutExtension(input);
        for (var number = 1; ; number++)
        {
            var suffix = number == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"-{number}");
            var path = Path.Join(Folder, FileNames.Fit(stem, $"{suffix}{extension}"));
            if (inUse.WhyNot(path) is null && taken.Add(path))
                return path;
        }
    }
}
