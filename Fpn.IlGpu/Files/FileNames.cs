using System.Text;

namespace Fpn.IlGpu.Files;

/// <summary>File names that file systems accept.</summary>
internal static class FileNames
{
    // Of ext4, XFS, APFS and NTFS. Some count characters, which are at most as many.
    private const int LongestBytes = 255;

    /// <summary>Joins the two parts of a name; the first is cut where the name would be too long.</summary>
    public static string Fit(string stem, string ending)
    {
        var room = LongestBytes - Encoding.UTF8.GetByteCount(ending);
        if (Encoding.UTF8.GetByteCount(stem) <= room)
            return stem + ending;
        var kept = new StringBuilder();
        foreach (var rune in stem.EnumerateRunes())
        {
            room -= rune.Utf8SequenceLength;
            if (room < 0)
                break;
            kept.Append(rune);
        }
        return kept + ending;
    }
}
