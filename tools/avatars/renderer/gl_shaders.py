"""The OpenGL backend's shaders: `shading.shade` and the averaging of samples once more, in GLSL.

Uniform names are those of the material table.
"""

VERTEX_SHADER = """
#version 330
uniform vec2 size_px;
uniform vec2 depth_range;
in vec3 position;
in vec3 normal;
in vec2 uv;
in vec4 tint;
in float side;
in float detail;
out vec3 surface_normal;
out vec2 surface_uv;
out vec4 surface_tint;
flat out float surface_side;
flat out float surface_detail;

void main() {
    // Row 0 of the buffer is the picture's top, so nothing is turned over when it is read.
    vec2 place = 2.0 * position.xy / size_px - 1.0;
    float depth = 2.0 * (position.z - depth_range.x) / (depth_range.y - depth_range.x) - 1.0;
    gl_Position = vec4(place, depth, 1.0);
    surface_normal = normal;
    surface_uv = uv;
    surface_tint = tint;
    surface_side = side;
    surface_detail = detail;
}
"""

FRAGMENT_SHADER = """
#version 330
uniform vec3 light;
uniform float level_bias;
uniform vec3 lit, shade, emissive, rim, matcap, outline;
uniform float alpha, alpha_cutoff, shading_shift, shading_toony;
uniform float rim_power, rim_lift, outline_color_mix;
uniform int unlit, alpha_mode, has_rim, glows, is_ink;
uniform sampler2D lit_texture, shade_texture, emissive_texture, matcap_texture;
// Per texture log2 of its size, or -1000 where the material has none.
uniform float lit_texture_size, shade_texture_size, emissive_texture_size, matcap_texture_size;
uniform ivec2 lit_texture_mirrors, shade_texture_mirrors;
uniform ivec2 emissive_texture_mirrors, matcap_texture_mirrors;
in vec3 surface_normal;
in vec2 surface_uv;
in vec4 surface_tint;
flat in float surface_side;
flat in float surface_detail;
out vec4 sample_color;

const float ABSENT = -999.0;

vec4 textured(sampler2D image, float log2_size, ivec2 mirrors, float detail, vec2 uv) {
    if (log2_size < ABSENT) return vec4(1.0);
    if (mirrors.x != 0) uv.x = 1.0 - abs(mod(uv.x, 2.0) - 1.0);
    if (mirrors.y != 0) uv.y = 1.0 - abs(mod(uv.y, 2.0) - 1.0);
    return textureLod(image, uv, max(floor(detail + log2_size + level_bias + 0.5), 0.0));
}

vec3 encoded(vec3 linear_color) {
    vec3 c = clamp(linear_color, 0.0, 1.0);
    vec3 curve = 1.055 * pow(max(c, vec3(1e-8)), vec3(1.0 / 2.4)) - 0.055;
    return mix(curve, 12.92 * c, vec3(lessThanEqual(c, vec3(0.0031308))));
}

void main() {
    vec4 base = textured(
        lit_texture, lit_texture_size, lit_texture_mirrors, surface_detail, surface_uv);
    float opacity = alpha * surface_tint.a * base.a;
    if (alpha_mode == 1 && opacity < alpha_cutoff) discard;
    vec3 color = lit * surface_tint.rgb * base.rgb;
    if (unlit == 0) {
        vec3 n = surface_side * normalize(surface_normal);
        float low = shading_toony - 1.0, high = 1.0 - shading_toony;
        float place = (dot(n, light) + shading_shift - low) / max(high - low, 1e-5);
        vec3 dark = shade * surface_tint.rgb
            * textured(shade_texture, shade_texture_size, shade_texture_mirrors,
                       surface_detail, surface_uv).rgb;
        color = mix(dark, color, clamp(place, 0.0, 1.0));
        if (has_rim != 0) {
            float edge = clamp(1.0 - n.z + rim_lift, 0.0, 1.0);
            color += pow(edge, max(rim_power, 1e-5)) * rim;
        }
        if (matcap_texture_size > ABSENT) {
            vec2 ball = vec2(0.5) + 0.495 * vec2(n.x, -n.y);
            color += matcap * textured(matcap_texture, matcap_texture_size,
                                       matcap_texture_mirrors, -64.0, ball).rgb;
        }
    }
    if (glows != 0)
        color += emissive
            * textured(emissive_texture, emissive_texture_size, emissive_texture_mirrors,
                       surface_detail, surface_uv).rgb;
    if (is_ink != 0)
        color = outline * mix(vec3(1.0), color, outline_color_mix);
    opacity = alpha_mode == 2 ? clamp(opacity, 0.0, 1.0) : 1.0;
    sample_color = vec4(encoded(color) * opacity, opacity);
}
"""

AVERAGING_VERTEX_SHADER = """
#version 330
void main() {
    // One triangle that covers everything.
    gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0);
}
"""

AVERAGING_FRAGMENT_SHADER = """
#version 330
uniform sampler2D samples;
uniform int samples_per_pixel;
out vec4 pixel;

void main() {
    ivec2 first = ivec2(gl_FragCoord.xy) * samples_per_pixel;
    vec4 sum = vec4(0.0);
    for (int y = 0; y < samples_per_pixel; y++)
        for (int x = 0; x < samples_per_pixel; x++)
            sum += texelFetch(samples, first + ivec2(x, y), 0);
    // Stored colours are not premultiplied; an empty pixel is transparent white.
    vec3 color = sum.a > 0.0 ? sum.rgb / sum.a : vec3(1.0);
    pixel = vec4(color, sum.a / float(samples_per_pixel * samples_per_pixel));
}
"""
