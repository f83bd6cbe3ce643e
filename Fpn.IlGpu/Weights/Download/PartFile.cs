using System.Globalization;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// A download that may not be whole yet: <c>FILE.part</c>, and beside it <c>FILE.part.info</c>, which says of what it
/// is a part, so that a later process can ask for the rest.
/// </summary>
internal sealed class PartFile(string target)
{
    private readonly string info = target + ".part.info";

    /// <summary>The file's path.</summary>
    public string Path { get; } = target + ".part";

    /// <summary>What the server said of the file that this is a part of.</summary>
    /// <param name="Url">Where it lies.</param>
    /// <param name="Validator">Its ETag or time of change, as a header's value: another one means another file.</param>
    /// <param name="Bytes">How long the whole of it is; null where that is not known.</param>
    public sealed record Source(string Url, string Validator, long? Bytes);

    /// <summary>Bytes that are there.</summary>
    public long Length => new FileInfo(Path) is { Exists: true } file ? file.Length : 0;

    /// <summary>What it is a part of; null where nothing is there, or no more is known about it.</summary>
    public Source? ReadSource()
    {
        if (Length == 0 || !File.Exists(info))
            return null;
        var lines = File.ReadAllLines(info);
        if (lines.Length != 3 || lines[1].Length == 0)
            return null;
        return new Source(lines[0], lines[1], long.TryParse(lines[2], CultureInfo.InvariantCulture, out var bytes) ? bytes : null);
    }

    /// <summary>Begins anew, with what a later try needs to go on; null where it could not.</summary>
    public FileStream Create(Source? source)
    {
        File.Delete(info); // First, so that it never tells of another file than the one beside it.
        var file = new FileStream(Path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0, useAsync: true);
        var bytes = source?.Bytes?.ToString(CultureInfo.InvariantCulture) ?? "";
        if (source is not null)
            File.WriteAllLines(info, [source.Url, source.Validator, bytes]);
        return file;
    }

    /// <summary>Opens it to add to its end.</summary>
    public FileStream Append()
    {
        var file = new FileStream(Path, FileMode.Open, FileAccess.Write, FileShare.Read, bufferSize: 0, useAsync: true);
        file.Seek(0, SeekOrigin.End);
        return file;
    }

    /// <summary>Forgets it.</summary>
    public void Delete()
    {
        File.Delete(info);
        File.Delete(Path);
    }

    /// <summary>Gives it its name, in one step and over what may have that name.</summary>
    public void Complete()
    {
        File.Move(Path, target, overwrite: true);
        File.Delete(info);
    }
}
