namespace Fpn.IlGpu.Kernels;

/// <summary>Some output tiles of <see cref="WinogradTransform"/>, counted over all pictures of a batch.</summary>
/// <param name="First">The first.</param>
/// <param name="Count">How many.</param>
/// <param name="TilesX">Tiles of a row of the map.</param>
/// <param name="TilesY">Tiles of a column of the map.</param>
internal readonly record struct WinogradTiles(int First, int Count, int TilesX, int TilesY)
{
    /// <summary>All tiles of a convolution, so many at a time.</summary>
    public static IEnumerable<WinogradTiles> Of(ConvolutionSizes sizes, int atOnce)
    {
        var tilesX = Division.CeilDiv(sizes.OutputW, WinogradTransform.TileOutputs);
        var tilesY = Division.CeilDiv(sizes.OutputH, WinogradTransform.TileOutputs);
        var tiles = sizes.OutputN * tilesY * tilesX;
        for (var first = 0; first < tiles; first += atOnce)
            yield return new WinogradTiles(first, Math.Min(atOnce, tiles - first), tilesX, tilesY);
    }

    /// <summary>A tile's picture, and the output row and column where it begins.</summary>
    public (int N, int Y, int X) Corner(int tile)
    {
        var row = (First + tile) / TilesX;
        return (row / TilesY, row % TilesY * WinogradTransform.TileOutputs, (First + tile) % TilesX * WinogradTransform.TileOutputs);
    }
}
