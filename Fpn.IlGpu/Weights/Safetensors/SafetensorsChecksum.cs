using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// The checksum of a file that the library wrote, under a key of its metadata, so that a file with one flipped bit is refused. It is the SHA-256
/// of the metadata and of each tensor's name, type, shape and elements, in the order of the names: a program that only lays the file
/// out anew keeps it right. Files of other programs have none.
/// </summary>
internal sealed class SafetensorsChecksum
{
    /// <summary>The metadata key. The checksum follows as 64 hexadecimal digits.</summary>
    public const string MetadataKey = "fpn.sha256";

    /// <summary>What is wrong with a file that has another content than its checksum says.</summary>
    public const string Damaged =
        "the file is damaged, because its content does not have its checksum; use another copy, or, if a program changed it on "
        + $"purpose, remove the metadata key '{MetadataKey}'";

    /// <summary>The place for the checksum in a file whose elements are still to be written.</summary>
    public static readonly string Blank = new('0', 2 * SHA256.HashSizeInBytes);

    private const int PartBytes = 1 << 20;

    private readonly SortedDictionary<string, byte[]> parts = new(StringComparer.Ordinal);

    /// <summary>Adds the metadata; its checksum key doesn't count.</summary>
    public void AddMetadata(IEnumerable<KeyValuePair<string, string>> metadata)
    {
        foreach ((var key, var value) in metadata.Where(entry => entry.Key != MetadataKey))
            parts.Add($"metadata {key}", SHA256.HashData(Encoding.UTF8.GetBytes(value)));
    }

    /// <summary>Adds the hash of a tensor.</summary>
    public void AddTensor(string name, byte[] hash) => parts.Add($"tensor {name}", hash);

    /// <summary>Begins the hash of a tensor, to which its elements are then appended.</summary>
    public static IncrementalHash Begin(DataType type, IEnumerable<int> shape)
    {
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{type} {string.Join(',', shape)};")));
        return hash;
    }

    /// <summary>The hash of a tensor in a file.</summary>
    public static byte[] Of(DataType type, IEnumerable<int> shape, TensorBytes file, long begin, long end)
    {
        using var hash = Begin(type, shape);
        var buffer = new byte[(int)Math.Min(PartBytes, end - begin)];
        for (; begin < end; begin += buffer.Length)
        {
            var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - begin));
            file.CopyTo(begin, part);
            hash.AppendData(part);
        }
        return hash.GetHashAndReset();
    }

    /// <summary>The checksum of all that was added, in hexadecimal digits.</summary>
    public override string ToString()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((var name, var part) in parts)
        {
            hash.AppendData(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
            hash.AppendData(part);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
