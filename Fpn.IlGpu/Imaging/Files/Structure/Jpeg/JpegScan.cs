namespace Fpn.IlGpu.Imaging;

/// <summary>What a JPEG's scan header says (ITU T.81, section B.2.3): which components follow, and which part of them.</summary>
/// <param name="Components">Indices into the frame's components.</param>
/// <param name="Tables">Of each, the Huffman tables for its DC and AC coefficients.</param>
/// <param name="HasDc">Whether it codes the first coefficient of each block.</param>
/// <param name="HasAc">Whether it codes the others, or some of them.</param>
/// <param name="IsRefinement">Whether it adds a bit to coefficients that earlier scans have begun.</param>
internal sealed record JpegScan(int[] Components, (int Dc, int Ac)[] Tables, bool HasDc, bool HasAc, bool IsRefinement)
{
    /// <summary>
    /// The fewest bits a block takes: a code for its DC coefficient and one that ends the others. In progressive scans,
    /// one code may end thousands of blocks.
    /// </summary>
    public int LeastBitsPerBlock => (HasDc, HasAc) switch
    {
        (true, true) => 2,
        (true, false) => 1,
        _ => 0,
    };

    /// <param name="frame">The frame that the scan belongs to.</param>
    /// <param name="data">The segment after its length.</param>
    /// <exception cref="PictureRefusal">T.81 allows no such scan.</exception>
    public static JpegScan Parse(JpegFrame frame, ReadOnlySpan<byte> data)
    {
        if (data.Length < 4 || data.Length != 4 + (2 * data[0]) || data[0] is 0 or > 4)
            throw Damaged();
        var components = new int[data[0]];
        var tables = new (int Dc, int Ac)[components.Length];
        for (var i = 0; i < components.Length; i++)
        {
            var id = data[1 + (2 * i)];
            components[i] = frame.Components.Select(component => component.Id).ToList().IndexOf(id);
            tables[i] = (data[2 + (2 * i)] >> 4, data[2 + (2 * i)] & 15);
            if (components[i] < 0 || tables[i].Dc > 3 || tables[i].Ac > 3)
                throw Damaged();
        }
        if (components.Distinct().Count() < components.Length)
            throw Damaged();
        if (!frame.IsProgressive)
            return new JpegScan(components, tables, HasDc: true, HasAc: true, IsRefinement: false);
        (var first, var last, var precision) = (data[^3], data[^2], data[^1]);
        var isKnown = first == 0 ? last == 0 : last >= first && last < 64 && components.Length == 1;
        if (!isKnown)
            throw Damaged();
        return new JpegScan(components, tables, HasDc: first == 0, HasAc: first > 0, IsRefinement: precision >> 4 > 0);
    }

    private static PictureRefusal Damaged() => PictureRefusal.Damaged("is a JPEG with a damaged scan header");
}
