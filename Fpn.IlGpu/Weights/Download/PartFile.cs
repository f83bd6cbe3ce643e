using System.Globalization;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// A download that may be incomplete: <c>FILE.part</c>, and next to it <c>FILE.part.info</c>, which identifies the whole file
/// so that a later process can request the rest.
/// </summary>
internal sealed class PartFile(string target)
{
    private readonly string info = target + ".part.info";

    /// <summary>The path of the incomplete file.</summary>
    public string Path { get; } = target + ".part";

    /// <summary>The file that this is a part of, as the server described it.</summary>
    /// <param name="Url">Its address.</param>
    /// <param name="Validator">Its ETag or modification time, as a header value; a different value means a different file.</param>
    /// <param name="Bytes">The size of the whole file; null if unknown.</param>
    public sealed record Source(string Url, string Validator, long? Bytes);

    /// <summary>The size of the part, in bytes; 0 if it does not exist. A link is no part: someone else put it there.</summary>
    public long Length => new FileInfo(Path) is { Exists: true, LinkTarget: null } file ? file.Length : 0;

    /// <summary>Reads what the part belongs to; null if there is no part, or nothing is known about its source.</summary>
    public Source? ReadSource()
    {
        if (Length == 0 || new FileInfo(info) is not { Exists: true, LinkTarget: null })
            return null;
        var lines = File.ReadAllLines(info);
        if (lines.Length != 3 || lines[1].Length == 0)
            return null;
        return new Source(lines[0], lines[1], long.TryParse(lines[2], CultureInfo.InvariantCulture, out var bytes) ? bytes : null);
    }

    /// <summary>Starts a new part, and records its source so that a later try can resume it; null if it can't.</summary>
    public FileStream Create(Source? source)
    {
        File.Delete(info); // First, so that it never describes a different file from the one next to it.
        File.Delete(Path);
        // Created, never opened: a link that was put there would lead the bytes into another file.
        var file = new FileStream(Path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0, useAsync: true);
        if (source is not null)
        {
            using var about = new StreamWriter(new FileStream(info, FileMode.CreateNew, FileAccess.Write));
            about.WriteLine(source.Url);
            about.WriteLine(source.Validator);
            about.WriteLine(source.Bytes?.ToString(CultureInfo.InvariantCulture) ?? "");
        }
        return file;
    }

    /// <summary>Opens the part for appending.</summary>
    public FileStream Append()
    {
        var file = new FileStream(Path, FileMode.Open, FileAccess.Write, FileShare.Read, bufferSize: 0, useAsync: true);
        file.Seek(0, SeekOrigin.End);
        return file;
    }

    /// <summary>Deletes the part.</summary>
    public void Delete()
    {
        File.Delete(info);
        File.Delete(Path);
    }

    /// <summary>Renames the part to its final name in one step, replacing any existing file.</summary>
    public void Complete()
    {
        File.Move(Path, target, overwrite: true);
        File.Delete(info);
    }
}
