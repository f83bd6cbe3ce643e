using System.Buffers.Binary;
using System.Text;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>One file in a zip archive.</summary>
/// <param name="Name">The path in the archive, with forward slashes.</param>
/// <param name="Deflated">Whether the file is compressed.</param>
/// <param name="DataOffset">The offset of the file's data in the archive, in bytes.</param>
/// <param name="CompressedSize">The size in the archive, in bytes.</param>
/// <param name="Size">The size when inflated, in bytes.</param>
internal sealed record ZipEntry(string Name, bool Deflated, long DataOffset, long CompressedSize, long Size)
{
    /// <summary>The name, quoted for messages.</summary>
    public string Shown => WeightsException.Quote(Name);
}

/// <summary>
/// The central directory of a zip archive (PKWARE APPNOTE 6.3, sections 4.3 to 4.5), read so that stored entries can be used
/// in place:
/// <code>
/// entry*       PK\3\4, 26 bytes of fields, name, extra field, data (a descriptor may follow: the directory repeats it)
/// directory    for each entry PK\1\2, 42 bytes of fields, name, extra field, comment
/// zip64 end    PK\6\6: counts and offsets in 64 bits, if they don't fit in the end; PK\6\7 gives its position
/// end          PK\5\6, 18 bytes of fields, comment
/// </code>
/// A size or offset of 0xFFFFFFFF is stored in 64 bits in the entry's extra field of kind 1. Checksums are not verified.
/// </summary>
internal sealed class ZipDirectory
{
    private const int EndBytes = 22, End64Bytes = 56, LocatorBytes = 20, CentralBytes = 46, LocalBytes = 30;
    private const int LongestComment = ushort.MaxValue;
    private const int MostEntries = 200_000;
    private const int LongestDirectory = 1 << 26;
    private const ushort Stored = 0, Deflate = 8, Encrypted = 1;

    /// <summary>Deflate expands 2 bits to at most 258 bytes: a higher ratio is not deflated data.</summary>
    private const int BestRatio = 1032;

    private readonly TensorBytes file;
    private readonly SourceName source;
    private readonly Dictionary<string, ZipEntry> entries = new(StringComparer.Ordinal);

    /// <summary>Reads the directory.</summary>
    /// <exception cref="WeightsException">The archive is truncated or invalid.</exception>
    public ZipDirectory(TensorBytes file, SourceName source)
    {
        this.file = file;
        this.source = source;
        (var begin, var length, var count) = FindDirectory();
        if (count > MostEntries)
            throw source.Wrong($"the archive claims {count} entries; the limit is {MostEntries}");
        if (length > LongestDirectory)
            throw source.Wrong($"the archive claims a directory of {length} bytes; the limit is {LongestDirectory}");
        if (begin < 0 || length < 0 || begin > file.Length - length)
            throw source.Wrong("the archive is cut short: its directory is outside the file");
        ReadEntries(file.Copy(begin, (int)length), (int)count, begin);
    }

    /// <summary>The entries by name, without folders.</summary>
    public IReadOnlyDictionary<string, ZipEntry> Entries => entries;

    /// <summary>The bytes of an entry, in place if they are stored, inflated on demand otherwise.</summary>
    public ByteSource Bytes(ZipEntry entry) => entry.Deflated
        ? new DeflatedBytes(file, entry, source)
        : new StoredBytes(file, entry.DataOffset, entry.Size);

    private (long Begin, long Length, long Count) FindDirectory()
    {
        var tailLength = (int)Math.Min(file.Length, EndBytes + LongestComment);
        var tail = file.Copy(file.Length - tailLength, tailLength);
        for (var at = tailLength - EndBytes; at >= 0; at--)
        {
            ReadOnlySpan<byte> end = tail.AsSpan(at);
            if (!end.StartsWith("PK\x05\x06"u8) || U16(end, 20) != end.Length - EndBytes)
                continue;
            return FindDirectory64(file.Length - end.Length) ?? (U32(end, 16), U32(end, 12), U16(end, 10));
        }
        throw source.Wrong("the archive is cut short: the directory that ends every zip file is missing");
    }

    private (long Begin, long Length, long Count)? FindDirectory64(long endOffset)
    {
        if (endOffset < LocatorBytes + End64Bytes)
            return null;
        ReadOnlySpan<byte> locator = file.Copy(endOffset - LocatorBytes, LocatorBytes);
        if (!locator.StartsWith("PK\x06\x07"u8))
            return null;
        var at = I64(locator, 8);
        if (at < 0 || at > endOffset - LocatorBytes - End64Bytes)
            throw source.Wrong("the archive is damaged: its zip64 end is outside the file");
        ReadOnlySpan<byte> end = file.Copy(at, End64Bytes);
        if (!end.StartsWith("PK\x06\x06"u8))
            throw source.Wrong("the archive is damaged: its zip64 end is missing");
        var count = I64(end, 32);
        return (I64(end, 48), I64(end, 40), count < 0 ? long.MaxValue : count);
    }

    private void ReadEntries(ReadOnlySpan<byte> directory, int count, long directoryBegin)
    {
        var places = new List<(long Begin, long End)>();
        for (var i = 0; i < count; i++)
        {
            if (directory.Length < CentralBytes || !directory.StartsWith("PK\x01\x02"u8))
                throw source.Wrong($"the archive is damaged: entry {i} of its directory is invalid");
            int nameLength = U16(directory, 28), extraLength = U16(directory, 30), commentLength = U16(directory, 32);
            var length = CentralBytes + nameLength + extraLength + commentLength;
            if (directory.Length < length)
                throw source.Wrong($"the archive is damaged: entry {i} is cut short");
            var name = directory.Slice(CentralBytes, nameLength);
            places.Add(ReadEntry(directory, name, directory.Slice(CentralBytes + nameLength, extraLength), directoryBegin));
            directory = directory[length..];
        }
        places.Sort();
        for (var i = 1; i < places.Count; i++)
        {
            if (places[i].Begin < places[i - 1].End)
                throw source.Wrong("the archive has entries that overlap");
        }
    }

    private (long Begin, long End) ReadEntry(
        ReadOnlySpan<byte> fields, ReadOnlySpan<byte> nameBytes, ReadOnlySpan<byte> extra, long directoryBegin)
    {
        var name = Encoding.UTF8.GetString(nameBytes);
        var shown = WeightsException.Quote(name);
        RefuseUnsafe(name);
        long size = U32(fields, 24), compressed = U32(fields, 20), begin = U32(fields, 42);
        var wide = Zip64Field(extra);
        if (!Widen(ref size, ref wide) || !Widen(ref compressed, ref wide) || !Widen(ref begin, ref wide))
            throw source.Wrong($"the archive's entry {shown} lacks its 64-bit sizes");
        ushort flags = U16(fields, 8), method = U16(fields, 10);
        if ((flags & Encrypted) != 0)
            throw source.Wrong($"the archive's entry {shown} is encrypted");
        if (method is not (Stored or Deflate))
            throw source.Wrong($"the archive's entry {shown} is compressed by method {method}; only 0 and 8 are supported");
        var local = LocalHeaderLength(nameBytes, begin, directoryBegin, shown);
        var data = begin + local;
        if (compressed > directoryBegin - data || compressed < 0 || size < 0)
            throw source.Wrong($"the archive's entry {shown} claims {compressed} bytes, more than there are before the directory");
        if (method == Stored && size != compressed)
            throw source.Wrong($"the archive's entry {shown} is stored in {compressed} bytes but claims {size}");
        if (method == Deflate && size / BestRatio > compressed)
            throw source.Wrong($"the archive's entry {shown} claims {size} bytes, more than {compressed} bytes can inflate to");
        // No encoder expands data by more than this; and a read copies the compressed bytes of one entry.
        if (method == Deflate && compressed > size + size / 2 + 1024)
            throw source.Wrong($"the archive's entry {shown} claims {size} bytes, too few for its {compressed} compressed bytes");
        if (!entries.TryAdd(name, new ZipEntry(name, method == Deflate, data, compressed, size)))
            throw source.Wrong($"the archive has the entry {shown} twice");
        if (name.EndsWith('/'))
            entries.Remove(name);
        return (begin, data + compressed);
    }

    /// <summary>
    /// The length of the local header, which precedes the data. It repeats the name, but its extra field may have another
    /// length.
    /// </summary>
    private long LocalHeaderLength(ReadOnlySpan<byte> name, long begin, long directoryBegin, string shown)
    {
        if (begin < 0 || begin > directoryBegin - LocalBytes - name.Length)
            throw source.Wrong($"the archive's entry {shown} is outside the file");
        ReadOnlySpan<byte> local = file.Copy(begin, LocalBytes + name.Length);
        if (!local.StartsWith("PK\x03\x04"u8) || U16(local, 26) != name.Length || !local[LocalBytes..].SequenceEqual(name))
            throw source.Wrong($"the archive is damaged: the entry {shown} is not where the directory says");
        return LocalBytes + name.Length + U16(local, 28);
    }

    /// <summary>Nothing is ever unpacked to disk, but such a name still indicates malicious intent.</summary>
    private void RefuseUnsafe(string name)
    {
        var parts = name.Split('/', '\\');
        if (name.Length == 0 || parts[0].Length == 0 || parts[0].EndsWith(':') || parts.Contains(".."))
            throw source.Wrong($"the archive's entry {WeightsException.Quote(name)} has a path that leads out of the archive");
    }

    /// <summary>The extra field of kind 1: eight bytes for each field that is 0xFFFFFFFF, in their order.</summary>
    private static ReadOnlySpan<byte> Zip64Field(ReadOnlySpan<byte> extra)
    {
        while (extra.Length >= 4)
        {
            var length = Math.Min(U16(extra, 2), extra.Length - 4);
            if (U16(extra, 0) == 1)
                return extra.Slice(4, length);
            extra = extra[(4 + length)..];
        }
        return [];
    }

    private static bool Widen(ref long value, ref ReadOnlySpan<byte> wide)
    {
        if (value != uint.MaxValue)
            return true;
        if (wide.Length < sizeof(long))
            return false;
        value = I64(wide, 0);
        wide = wide[sizeof(long)..];
        return true;
    }

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long I64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);
}
