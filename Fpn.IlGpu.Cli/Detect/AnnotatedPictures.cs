using System.Globalization;

using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Cli;

/// <summary>Writes copies of the pictures, with the detected objects drawn on them, to a folder.</summary>
internal sealed class AnnotatedPictures
{
    private readonly Dictionary<string, string> outputs = new(StringComparer.Ordinal);

    /// <summary>Chooses an output file for each input, and checks before any detection that the folder can be written.</summary>
    /// <exception cref="CommandException">The folder can't be created or written.</exception>
    public AnnotatedPictures(string folder, IReadOnlyList<string> inputs)
    {
        Folder = folder;
        // Names are compared without regard to case, as some file systems do. An input is never overwritten.
        var taken = new HashSet<string>(inputs.Select(Path.GetFullPath), StringComparer.OrdinalIgnoreCase);
        foreach (var input in inputs)
            outputs.Add(input, FreeName(input, taken));
        CheckFolder();
    }

    /// <summary>The folder, as the user named it.</summary>
    public string Folder { get; }

    /// <summary>Draws the objects on the picture and writes it.</summary>
    /// <returns>The path of the file.</returns>
    public string Write(string input, RgbImage picture, IReadOnlyList<DetectedObject> objects)
    {
        AnnotationPainter.Draw(picture, [.. objects.Select(Annotate)]);
        var output = outputs[input];
        PictureWriter.Write(picture, output);
        return output;
    }

    private static Annotation Annotate(DetectedObject found)
    {
        var box = found.BoxImagePx;
        var text = string.Create(CultureInfo.InvariantCulture, $"{found.Label} {found.Score:F2}");
        return new Annotation(box.X1, box.Y1, box.X2, box.Y2, text, found.ClassId, found.Mask);
    }

    // Photographs stay JPEG, which is smaller; everything else becomes PNG.
    private string FreeName(string input, HashSet<string> taken)
    {
        var extension = Path.GetExtension(input).ToLowerInvariant() is ".jpg" or ".jpeg" ? ".jpg" : ".png";
        var stem = Path.GetFileNameWithoutExtension(input);
        for (var number = 1; ; number++)
        {
            var suffix = number == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"-{number}");
            var path = Path.Join(Folder, $"{stem}{suffix}{extension}");
            if (taken.Add(Path.GetFullPath(path)))
                return path;
        }
    }

    private void CheckFolder()
    {
        try
        {
            Directory.CreateDirectory(Folder);
            var trial = Path.Join(Folder, $".fpn-{Guid.NewGuid():N}");
            using FileStream stream = new(trial, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(
                $"The folder '{Folder}' for annotated pictures can't be written ({exception.Message.TrimEnd('.')}); "
                + "choose another with --out, or use --no-pictures.", exception);
        }
    }
}
