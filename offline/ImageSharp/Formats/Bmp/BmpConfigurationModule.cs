namespace SixLabors.ImageSharp.Formats.Bmp;

internal sealed class BmpConfigurationModule : IImageFormatConfigurationModule
{
    public void Configure(Configuration configuration) =>
        configuration.Decoders.Add(new UnreadFormat("BMP", static data => data.StartsWith("BM"u8)));
}
