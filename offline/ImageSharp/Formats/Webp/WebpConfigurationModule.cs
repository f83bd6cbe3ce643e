namespace SixLabors.ImageSharp.Formats.Webp;

internal sealed class WebpConfigurationModule : IImageFormatConfigurationModule
{
    public void Configure(Configuration configuration) =>
        configuration.Decoders.Add(new UnreadFormat(
            "WebP",
            static data => data.Length >= 12 && data.StartsWith("RIFF"u8) && data[8..].StartsWith("WEBP"u8)));
}
