using System.Buffers.Binary;

namespace Fpn.IlGpu.Imaging;

/// <summary>What a JPEG's frame header says (ITU T.81, section B.2.2): its size, and how its components are sampled.</summary>
internal sealed class JpegFrame
{
    public const int SamplesPerBlock = BlockSize * BlockSize;

    private const int BlockSize = 8;

    private readonly int mostHorizontal;
    private readonly int mostVertical;

    private JpegFrame(bool isProgressive, int width, int height, Component[] components)
    {
        IsProgressive = isProgressive;
        Width = width;
        Height = height;
        Components = components;
        mostHorizontal = components.Max(component => component.Horizontal);
        mostVertical = components.Max(component => component.Vertical);
    }

    /// <summary>A component, such as luma: its name in the file, its sampling factors, its table of quantisation.</summary>
    internal readonly record struct Component(byte Id, int Horizontal, int Vertical, int Quantisation);

    public bool IsProgressive { get; }

    public int Width { get; }

    public int Height { get; }

    public IReadOnlyList<Component> Components { get; }

    /// <summary>Samples of all components, with those that only fill up blocks.</summary>
    public long Samples => BlocksOf([.. Enumerable.Range(0, Components.Count)]) * SamplesPerBlock;

    /// <param name="isProgressive">Whether the marker is SOF2.</param>
    /// <param name="data">The segment after its length.</param>
    /// <exception cref="PictureRefusal">T.81 allows no such frame, or the decoder would get it wrong.</exception>
    public static JpegFrame Parse(bool isProgressive, ReadOnlySpan<byte> data)
    {
        if (data.Length < 6 || data.Length != 6 + (3 * data[5]) || data[5] is 0 or > 4)
            throw Damaged();
        var height = BinaryPrimitives.ReadUInt16BigEndian(data[1..]);
        var width = BinaryPrimitives.ReadUInt16BigEndian(data[3..]);
        if (width == 0)
            throw Damaged();
        if (height == 0)
            throw PictureRefusal.Unsupported("is a JPEG that names its height only after its pixels, which can't be read");
        var components = new Component[data[5]];
        for (var i = 0; i < components.Length; i++)
        {
            var part = data.Slice(6 + (3 * i), 3);
            components[i] = new Component(part[0], part[1] >> 4, part[1] & 15, part[2]);
            if (components[i] is not { Horizontal: >= 1 and <= 4, Vertical: >= 1 and <= 4, Quantisation: <= 3 })
                throw Damaged();
        }
        if (components.DistinctBy(component => component.Id).Count() < components.Length)
            throw Damaged();
        var frame = new JpegFrame(isProgressive, width, height, components);
        var isFractional = components.Any(component =>
            frame.mostHorizontal % component.Horizontal != 0 || frame.mostVertical % component.Vertical != 0);
        if (isFractional)
            throw PictureRefusal.Unsupported("is a JPEG whose sampling factors are no multiples of each other, which can't be read");
        return frame;
    }

    /// <summary>Minimum coded units of a scan, of one block where it has one component only (T.81, section A.2).</summary>
    public long UnitsOf(IReadOnlyList<int> scanned)
        => scanned.Count == 1
            ? BlocksAlone(Components[scanned[0]])
            : (long)CeilDiv(Width, BlockSize * mostHorizontal) * CeilDiv(Height, BlockSize * mostVertical);

    /// <summary>Blocks of 8 x 8 samples that a scan codes.</summary>
    public long BlocksOf(IReadOnlyList<int> scanned)
        => scanned.Count == 1
            ? BlocksAlone(Components[scanned[0]])
            : UnitsOf(scanned) * scanned.Sum(i => Components[i].Horizontal * Components[i].Vertical);

    // Without the blocks that only fill up the units of a scan with several components.
    private long BlocksAlone(Component component)
        => (long)CeilDiv(CeilDiv(Width * component.Horizontal, mostHorizontal), BlockSize)
            * CeilDiv(CeilDiv(Height * component.Vertical, mostVertical), BlockSize);

    private static int CeilDiv(int length, int step) => (length + step - 1) / step;

    private static PictureRefusal Damaged() => PictureRefusal.Damaged("is a JPEG with a damaged frame header");
}
